"""What the page makes videos with: a model in this process, or one behind a server. Both answer in the same words.

A model has spec, size, num_frames (its T), temperature (None: it cannot be chosen), has_style, call (calls.py), lacks
(what it cannot do, in a sentence) and videos(label_map, settings, reference), which yields one Video after the other:
whoever stops asking stops the work.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np

from seg2vid_tf.serving.status import StatusError
from seg2vid_tf.web.calls import ModelCall
from seg2vid_tf.web.settings import Settings


@dataclasses.dataclass(frozen=True)
class Video:
    """One video.

    Attributes:
      seed: its own.
      frames: uint8 [T+1,H,W,3].
      label_maps: uint8 [T+1,H,W]; None, as the two below, where a server does not send it.
      flow: float32 [T,H,W,2].
      visibility: float32 [T,H,W,1].
    """

    seed: int
    frames: np.ndarray
    label_maps: np.ndarray | None = None
    flow: np.ndarray | None = None
    visibility: np.ndarray | None = None


class LocalModel:
    """A pipeline in this process."""

    lacks = ""

    def __init__(self, pipe, call: ModelCall):
        self._pipe, self.call = pipe, call
        self.spec, self.size, self.num_frames = pipe.spec, tuple(pipe.size), pipe.num_frames
        self.temperature, self.has_style = pipe.temperature, pipe.has_style_encoder

    def videos(self, label_map: np.ndarray, settings: Settings, reference: np.ndarray | None) -> Iterator[Video]:
        given = {"num_frames": settings.num_frames, "temperature": settings.temperature, "reference": reference}
        for seed in range(settings.seed, settings.seed + settings.num_videos):
            out = self._pipe(label_map, seed=seed, **given)
            yield Video(seed, out.frames[0], out.label_maps[0], out.flow[0], out.visibility[0])


class ServedModel:
    """A model behind a server, asked by a client; no TensorFlow here by REST."""

    temperature, has_style = None, False
    lacks = "A server draws with its own temperature and style, and sends neither flow nor visibility."

    def __init__(self, client, spec, call: ModelCall):
        self._client, self.spec, self.call = client, spec, call
        self.size = client.size()
        # Its metadata does not say how long its videos are.
        self.num_frames = len(client.generate(np.zeros(self.size, np.uint8))[0]) - 1

    def videos(self, label_map: np.ndarray, settings: Settings, reference: np.ndarray | None) -> Iterator[Video]:
        if reference is not None:
            raise ValueError("a style picture: a server takes none, remove it")
        for seed in range(settings.seed, settings.seed + settings.num_videos):
            try:
                yield Video(seed, np.concatenate(list(self._client.video(label_map, seed, settings.num_frames))))
            except StatusError as error:
                raise ValueError(f"the server: {error}") from error
