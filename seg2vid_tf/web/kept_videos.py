"""The last videos that the page made, in memory: what is shown beside one is made when the browser asks for it.

A video's GIF goes out at once. Label maps, flow, visibility and the MP4 take longer than it to write, so they are left
to addresses that nobody can guess. Nothing comes on a disk; what is oldest goes when there is no more room.
"""

import collections
import secrets
import threading

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.web.models import Video

MAX_BYTES = 512 << 20


class KeptVideos:
    """Videos with the spec of their label maps, by key.

    Args:
      max_bytes: of the arrays of all together; the newest one is kept whatever it takes.
    """

    def __init__(self, max_bytes: int = MAX_BYTES):
        self._max_bytes, self._kept, self._lock = max_bytes, collections.OrderedDict(), threading.Lock()

    def keep(self, video: Video, spec: AnnotationSpec) -> str:
        """Keeps a video.

        Returns:
          Its key, which cannot be guessed.
        """
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._kept[key] = video, spec
            while len(self._kept) > 1 and sum(_size(each) for each, _ in self._kept.values()) > self._max_bytes:
                self._kept.popitem(last=False)
        return key

    def __getitem__(self, key: str) -> tuple[Video, AnnotationSpec]:
        """Raises ValueError where it is not kept, or not any longer."""
        with self._lock:
            if key not in self._kept:
                raise ValueError("this video is not kept any longer: make it once more")
            return self._kept[key]


def _size(video):
    arrays = video.frames, video.label_maps, video.flow, video.visibility
    return sum(array.nbytes for array in arrays if array is not None)
