"""The videos that are measured: what a model shows of a clip, beside what the baselines show.

reconstruction     of the clip's own motion, the posterior's mean
samples            of motions drawn from the prior, several
copy_frame_0, mean_flow, affine                 the baselines (baselines.py)
without_annotation_<the first two>              of a model that does not see the annotation
"""

import dataclasses
import math

import numpy as np

from seg2vid_tf.evaluation.baselines import affine_flow, warped_video, zero_flow
from seg2vid_tf.evaluation.clip_scores import RealClip
from seg2vid_tf.evaluation.latent_swap import swap_scores
from seg2vid_tf.evaluation.video import Video


@dataclasses.dataclass(frozen=True)
class Protocol:
    """How a model is asked, and of what.

    Attributes:
      num_frames: T, frames after frame 0; None: the model's.
      start_frame: "real" (frame 0 is the clip's) or "generated" (stage 1 paints it from the label map).
      samples: motions drawn of each clip.
      temperature: they are drawn with; None: the model's own.
      horizons: numbers of frames that the scores against the real frames are given for, too.
      swap: whether parts of z are swapped between clips, where z has two parts.
      external_flow: whether what needs OpenCV is measured.
      window_stride: frames between the starts of a clip's windows; None: no overlap, and of clips with exact motion the
        first window alone, which has it. Given, exact motion is not measured against.
      max_clips: windows that are measured, evenly spread over the split; None: all.
    """

    num_frames: int | None = None
    start_frame: str = "real"
    samples: int = 20
    temperature: float | None = None
    horizons: tuple[int, ...] = ()
    swap: bool = True
    external_flow: bool = True
    window_stride: int | None = None
    max_clips: int | None = None

    def __post_init__(self):
        for name in ("num_frames", "window_stride", "max_clips"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, received {value}")
        if any(h < 1 for h in self.horizons):
            raise ValueError(f"horizons must be positive numbers of frames, received {self.horizons}")
        if self.start_frame not in ("real", "generated"):
            raise ValueError(f"start_frame must be real or generated, received {self.start_frame!r}")
        if self.samples < 0 or self.samples == 1:
            raise ValueError(
                f"samples must be 0 or at least 2, received {self.samples}: how samples differ is measured too"
            )
        if self.start_frame == "generated" and not self.samples:
            raise ValueError("samples must be at least 2 with a generated start frame: nothing else is made from it")
        if self.temperature is not None and not 0 <= self.temperature < math.inf:
            raise ValueError(f"temperature must be finite and at least 0, received {self.temperature}")
        if self.temperature is not None and not self.samples:
            raise ValueError("temperature means nothing without samples; leave it out")

    @property
    def first_generated(self) -> int:
        """The first frame that is not a real one."""
        return int(self.start_frame == "real")


class ModelMethods:
    """A model's videos.

    Args:
      pipe: Seg2VidPipeline.
      protocol: how it is asked; its num_frames is given.
    """

    def __init__(self, pipe, protocol: Protocol):
        self._pipe, self._protocol = pipe, protocol
        # A posterior is that of a clip of the model's own length.
        self.reconstructs = protocol.start_frame == "real" and protocol.num_frames == pipe.num_frames

    def videos(self, real: RealClip, index: int, start_frame: np.ndarray | None = None) -> dict[str, list[Video]]:
        """{"reconstruction": one, "samples": as many as the protocol says}, those that can be made of clip ``index``.

        Args:
          real: the clip.
          index: its number, from which the samples' seeds follow.
          start_frame: uint8 [H,W,3], what is animated; None: stage 1 paints it.

        Raises:
          ValueError: the model gives NaN or infinity.
        """
        made, protocol = {}, self._protocol
        given = {"start_frame": start_frame}
        if start_frame is None and self._pipe.uses_instances:
            given["instance_map"] = real.instance_map
        if self.reconstructs:
            z = self._motion(real)
            made["reconstruction"] = _videos(self._pipe(real.label_map, z=z[None], **given))
        if protocol.samples:
            made["samples"] = _videos(
                self._pipe(
                    real.label_map,
                    seed=index * protocol.samples,
                    num_videos=protocol.samples,
                    num_frames=protocol.num_frames,
                    temperature=protocol.temperature,
                    **given,
                )
            )
        for name, videos in made.items():
            if any(_broken(video, painted=start_frame is None) for video in videos):
                raise ValueError(f"{name} of clip {index}: the model gives NaN or infinity; was its training broken?")
        return made

    @property
    def can_swap(self) -> bool:
        """Whether clips have a motion, with a part for the background and one for the foreground."""
        return self.reconstructs and self._pipe.background_latent < self._pipe.latent_dim

    def swapped(self, real: RealClip, own: Video, other: RealClip) -> dict[str, float]:
        """What the parts of another clip's z move (latent_swap.py); own: the clip's reconstruction."""
        z, other_z, split = self._motion(real), self._motion(other), self._pipe.background_latent
        mixed = np.concatenate([other_z[:split], z[split:]]), np.concatenate([z[:split], other_z[split:]])
        background, foreground = (
            _videos(self._pipe(real.label_map, z=part[None], start_frame=real.frames[0]))[0] for part in mixed
        )
        return swap_scores(own, background, foreground, np.isin(real.label_map, self._pipe.spec.foreground_ids))

    def _motion(self, real):
        """float32 [Z], the mean of the posterior of a clip's motion."""
        return self._pipe.encode_motion(real.frames, real.label_map)[0]


def baseline_videos(
    real: RealClip, start_frame: np.ndarray, mean_flow: np.ndarray | None, affine: bool
) -> dict[str, list[Video]]:
    """The baselines' videos of one clip.

    Args:
      real: the clip, which ``affine`` sees.
      start_frame: uint8 [H,W,3], what is moved.
      mean_flow: float32 [T,H,W,2] of the training set; None: not known.
      affine: whether it is asked for (it needs OpenCV).
    """
    flows = {"copy_frame_0": zero_flow(real.frames)}
    if mean_flow is not None:
        flows["mean_flow"] = mean_flow
    if affine:
        flows["affine"] = affine_flow(real.frames)
    return {name: [warped_video(start_frame, real.label_map, flow)] for name, flow in flows.items()}


def _broken(video, painted):
    """Whether flow or visibility are not finite, or a frame alone is of one colour, which NaN becomes in uint8."""
    if not (np.isfinite(video.flow).all() and np.isfinite(video.visibility).all()):
        return True
    blank = np.ptp(video.frames, axis=(1, 2)).max(axis=-1) == 0
    return bool(blank.any() if painted else blank[1:].any() and not blank[0])


def _videos(output):
    """Seg2VidOutput -> one Video each."""
    names = [f.name for f in dataclasses.fields(Video) if f.name != "chunk"]
    return [
        Video(chunk=output.frames_per_chunk, **{name: getattr(output, name)[i] for name in names})
        for i in range(len(output.frames))
    ]
