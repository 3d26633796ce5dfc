"""What a published network says of pictures or clips: feature vectors for the Frechet distance, or classes.

Any network by path (ops/picture_network.py): Inception's pooled features make the Frechet distance FID, I3D's FVD, if
pictures are prepared as those are published with (ops/published_preprocessing.py). Everything measured with one is
named after preparation and file, since the name is all that says which network it was and what it saw.
"""

import os
import pathlib

import numpy as np

from seg2vid_tf.ops.picture_network import PictureNetwork
from seg2vid_tf.ops.published_preprocessing import split_preprocessing


class FeatureExtractor:
    """Pictures or clips -> one vector each.

    Attributes:
      name: the preparation's, where there is one, and the file's or the folder's without ending, as fid_inception: part
        of every measure's name.
      path: the file or folder.
      fed: how pictures become what the network reads, in words.
      clip_length: frames of the clips that it reads, -1: any number; None: it reads pictures.
    """

    def __init__(self, path: str | os.PathLike, kind: str = "feature extractor"):
        """Loads the network.

        Args:
          path: as PictureNetwork takes it; or "<preprocessing>=<path>", as fid=inception.tflite.
          kind: what messages call it.

        Raises:
          ValueError: what PictureNetwork refuses, an unknown preprocessing, or an output that is no vector: [N,C], or
            [N,..1..,C].
        """
        preprocessing, self.path = split_preprocessing(os.fspath(path))
        self._network = PictureNetwork(self.path, kind, clips=True, preprocessing=preprocessing)
        made = self._network.output_shape
        if len(made) < 2 or any(side != 1 for side in made[1:-1]):
            raise ValueError(f"{self._network.found}; the output must be one vector a picture or clip, [N,C]")
        stem = pathlib.Path(self.path).stem
        self.name = stem if preprocessing is None else f"{preprocessing.name}_{stem}"
        self.clip_length, self.fed = self._network.clip_length, self._network.fed

    def __call__(self, video: np.ndarray) -> np.ndarray:
        """The vectors of a video's frames, or of the clips in it.

        Args:
          video: uint8 [T,H,W,3].

        Returns:
          float32 [T,C]; of an extractor of clips [n,C], one for each of the n clips of its length that lie in the
          video one after the other (a video of another length is one clip where it takes any).

        Raises:
          ValueError: not such a video, a video shorter than a clip, NaN from the network, or the network fails.
        """
        if video.dtype != np.uint8 or video.ndim != 4 or video.shape[3] != 3:
            raise ValueError(f"{self.name}: expected a uint8 [T,H,W,3] video, received {video.dtype} {video.shape}")
        if self.clip_length is not None:
            length = self.clip_length if self.clip_length > 0 else len(video)
            count = len(video) // length
            if not count:
                raise ValueError(f"{self.name} reads clips of {length} frames, a video has {len(video)}")
            video = video[: count * length].reshape(count, length, *video.shape[1:])
        vectors = [output.reshape(len(output), -1) for output in self._network.outputs(video)]
        vectors = np.concatenate(vectors).astype(np.float32)
        if not np.isfinite(vectors).all():
            raise ValueError(f"{self.name}: it gives NaN or infinity; does it read other values?")
        return vectors
