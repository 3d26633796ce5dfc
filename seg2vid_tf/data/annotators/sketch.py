"""SketchAnnotator: the frames' edges as their annotation."""

import numpy as np

from seg2vid_tf.annotations.sketch import draw_edges
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.annotated import Annotator
from seg2vid_tf.data.pictures import resize_frame


class SketchAnnotator(Annotator):
    """Lines on paper, in the spec "sketch"; a clip without any is refused.

    Args:
      options: as of ``annotations.sketch.draw_edges``; the frames are resized first, so its pixels are the clip's.
    """

    def __init__(self, **options: float):
        self.spec, self._options = load_spec("sketch"), options
        self.settings = {"annotator": "sketch", **options}

    def annotate(self, frames: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        maps = np.stack([draw_edges(resize_frame(frame, size), **self._options) for frame in frames])
        if not maps.any():
            raise ValueError("no edge in any frame: everything changes softly; draw weaker ones too (--edge_strength)")
        return maps
