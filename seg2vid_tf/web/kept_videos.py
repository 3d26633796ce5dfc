"""The last videos that the page made, in memory: what is shown beside one is made when the browser asks for it.

A video's GIF goes out at once. Label maps, flow, visibility and the MP4 take longer than it to write, so they are left
to addresses that nobody can guess. They stay in this process; the oldest go when there is no more room, but none of
the newest request, all of whose videos are shown at once.
"""

import collections
import dataclasses
import secrets
import threading

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.web.models import Video

MAX_BYTES = 512 << 20


class KeptVideos:
    """Videos with the spec of their label maps, by key.

    Args:
      max_bytes: of the arrays of all together; the newest request is kept whole, whatever it takes.
    """

    def __init__(self, max_bytes: int = MAX_BYTES):
        self._max_bytes, self._kept, self._lock = max_bytes, collections.OrderedDict(), threading.Lock()
        self._newest = 0

    def begin(self) -> int:
        """Begins a request, whose number ``keep`` is told: from now on the videos of those before may go."""
        with self._lock:
            self._newest += 1
            return self._newest

    def keep(self, video: Video, spec: AnnotationSpec, request: int) -> str:
        """Keeps a video of a request, to what is seen of it: flow in half precision, visibility in 255 steps.

        Returns:
          Its key, which cannot be guessed.
        """
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[key] = request, _packed(video), spec
            while self._too_many() and next(iter(self._kept.values()))[0] < self._newest:
                self._kept.popitem(last=False)
        return key

    def __getitem__(self, key: str) -> tuple[Video, AnnotationSpec]:
        """Raises ValueError where it is not kept, or not any longer."""
        with self._lock:
            if key not in self._kept:
                raise ValueError("this video is not kept any longer: make it once more")
            _, video, spec = self._kept[key]
        return _unpacked(video), spec

    def _too_many(self):
        return sum(_size(video) for _, video, _ in self._kept.values()) > self._max_bytes


def _packed(video):
    flow = None if video.flow is None else video.flow.astype(np.float16)
    seen = None if video.visibility is None else np.round(255 * video.visibility).astype(np.uint8)
    return dataclasses.replace(video, flow=flow, visibility=seen)


def _unpacked(video):
    flow = None if video.flow is None else video.flow.astype(np.float32)
    seen = None if video.visibility is None else video.visibility.astype(np.float32) / 255
    return dataclasses.replace(video, flow=flow, visibility=seen)


def _size(video):
    arrays = video.frames, video.label_maps, video.flow, video.visibility
    return sum(array.nbytes for array in arrays if array is not None)
