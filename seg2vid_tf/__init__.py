"""seg2vid_tf: one static structural annotation in, one coherent video out.

Conventions that hold everywhere (code, documentation, served signatures):

* Images are float32 in [-1, 1] inside the package and uint8 at every outer door.
* ``label_map`` is uint8 [B, H, W]: ids of one AnnotationSpec; the spec's ignore id marks pixels without a class.
* ``flow`` is float32 [..., H, W, 2] in pixels, (dy, dx), on the frame-t grid:
  ``warped_t(p) = start_frame(p - flow_t(p))``. ``flow_backward`` lies on the frame-0 grid:
  ``start(p) = frame_t(p + flow_backward_t(p))``. Both point from frame 0 to frame t.
* ``visibility`` is float32 [..., H, W, 1] in [0, 1]: 1 = has a correspondence, 0 = occluded.
* A clip is 1 + T frames: the start frame and T frames after it.
* Randomness is an argument: an int64 seed per example, stateless.

Nothing heavy is imported here; TensorFlow loads with the first module that needs it.
"""

__version__ = "0.1.0"


def show(label_map, spec=None):
    """A label map in colours with a legend, as the last line of a notebook's cell: see ``notebook.show``."""
    from seg2vid_tf import notebook  # NumPy and Pillow load here, not with the package

    return notebook.show(label_map, spec)
