"""Clips of synthetic_street: seed -> frames, label maps, instance maps, exact flow and visibility."""

from collections.abc import Iterable

import numpy as np

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.data.synthetic_street.camera import view_at
from seg2vid_tf.data.synthetic_street.motion import displacement
from seg2vid_tf.data.synthetic_street.raster import rasterise
from seg2vid_tf.data.synthetic_street.shading import shade, surface_light
from seg2vid_tf.data.synthetic_street.street import build_scene
from seg2vid_tf.data.synthetic_street.world import Scene

MIN_SIZE = 32


def render_scene(clip_id: str, scene: Scene, times: np.ndarray, height: int, width: int, with_motion: bool) -> Clip:
    """A clip of the given scene at the given times in seconds; flow and visibility are those to and from the first."""
    length = len(times)
    frames = np.empty((length, height, width, 3), np.uint8)
    label_maps = np.empty((length, height, width), np.uint8)
    instance_maps = np.empty((length, height, width), np.uint16)
    fields = [np.empty((length - 1, height, width, c), np.float32) for c in (2, 2, 1, 1)] if with_motion else [None] * 4
    flow, flow_backward, visibility, visibility_backward = fields
    light = surface_light(scene)
    first = None
    for i, time in enumerate(times.tolist()):
        buffers = rasterise(scene, view_at(scene.camera, time, height, width), time, height, width)
        frames[i], label_maps[i] = shade(scene, buffers, light, time)
        instance_maps[i] = scene.instance.take(buffers.surface)
        if i == 0:
            first = buffers
        elif with_motion:
            to_first, visibility[i - 1] = displacement(buffers, first)
            np.negative(to_first, out=flow[i - 1])
            flow_backward[i - 1], visibility_backward[i - 1] = displacement(first, buffers)
    return Clip(clip_id, frames, label_maps, instance_maps, flow, flow_backward, visibility, visibility_backward)


def render_clip(
    seed: int, num_frames: int, height: int, width: int, *, fps: float = 12.0, with_motion: bool = True
) -> Clip:
    """One clip of the street that the seed names.

    The same arguments give the same bytes everywhere. The scene depends on the seed alone: another size shows the same
    street, a longer clip begins with the same frames.

    Args:
      seed: 0 or more.
      num_frames: frames in all, the first one included; 1 or more.
      height, width: of the frames in pixels, 32 or more.
      fps: frames per second, above 0.
      with_motion: whether to compute flow and visibility.

    Returns:
      a Clip named ``street_<seed>``. Label ids are those of the spec synthetic_street; cars and people have ids from 1
      in the instance maps. Visibility is 1 where the point's place in the other frame lies inside the image and the
      pixel nearest to it shows the same surface or one joined to it (motion.py). The flow of points that pass behind
      the camera is bounded to 4 (height + width) pixels and their visibility is 0.

    Raises:
      ValueError: an argument outside its range.
    """
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, received {seed}")
    if num_frames < 1:
        raise ValueError(f"num_frames must be 1 or more, received {num_frames}")
    if height < MIN_SIZE or width < MIN_SIZE:
        raise ValueError(f"height and width must be {MIN_SIZE} or more, received {height}x{width}")
    if not 0 < fps < float("inf"):
        raise ValueError(f"fps must be above 0 and finite, received {fps}")
    scene = build_scene(int(seed), num_frames / fps)
    times = np.arange(num_frames, dtype=np.float64) / fps
    return render_scene(_clip_id(seed), scene, times, height, width, with_motion)


class SyntheticStreet(ClipSource):
    """One clip for each seed, rendered when it is read; arguments as of ``render_clip``."""

    def __init__(
        self,
        seeds: Iterable[int],
        num_frames: int,
        height: int,
        width: int,
        *,
        fps: float = 12.0,
        with_motion: bool = True,
    ):
        self._seeds = {_clip_id(seed): int(seed) for seed in seeds}
        self._shape, self._options = (num_frames, height, width), {"fps": fps, "with_motion": with_motion}
        self.spec = load_spec("synthetic_street")
        self.clip_ids = tuple(self._seeds)
        self.settings = {
            "reader": "synthetic_street",
            "num_frames": num_frames,
            "size": [height, width],
            **self._options,
        }

    def read(self, clip_id: str) -> Clip:
        return render_clip(self._seeds[clip_id], *self._shape, **self._options)


def _clip_id(seed):
    return f"street_{seed:06d}"
