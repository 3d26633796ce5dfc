"""Flow files (.flo) of the Middlebury benchmark: what optical-flow tools read and write.

The file holds float32 202021.25, int32 width, int32 height, then (u, v) = (right, down) in pixels row by row, all
little-endian: where the pixels of its frame went. Source: Baker et al., "A Database and Evaluation Methodology for
Optical Flow" (IJCV 2011), and the readme of its code.
"""

import os
import pathlib

import numpy as np

from seg2vid_tf.files import replacing

MAGIC = np.float32(202021.25)
_HEADER_BYTES = 12


def write_flow(flow: np.ndarray, path: str | os.PathLike) -> None:
    """Writes a flow field.

    Args:
      flow: float [H,W,2], (dy, dx) in pixels.
      path: the .flo file.

    Raises:
      ValueError: the shape is not the documented one.
    """
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise ValueError(f"flow must be [height, width, 2], received {flow.shape}")
    height, width = flow.shape[:2]
    with replacing(path) as temporary:
        with open(temporary, "wb") as file:
            file.write(MAGIC.astype("<f4").tobytes())
            file.write(np.array([width, height], "<i4").tobytes())
            file.write(flow[..., ::-1].astype("<f4").tobytes())


def read_flow(path: str | os.PathLike) -> np.ndarray:
    """Reads a flow field.

    Args:
      path: a .flo file.

    Returns:
      float32 [H,W,2], (dy, dx) in pixels.

    Raises:
      ValueError: the file is no .flo, or its length is not what its header says.
    """
    content = pathlib.Path(path).read_bytes()
    if len(content) < _HEADER_BYTES or np.frombuffer(content, "<f4", 1)[0] != MAGIC:
        raise ValueError(f"{path} is no .flo file: it does not begin with {MAGIC}")
    width, height = (int(n) for n in np.frombuffer(content, "<i4", 2, offset=4))
    expected = _HEADER_BYTES + 8 * width * height
    if width < 1 or height < 1 or len(content) != expected:
        raise ValueError(f"{path} has {len(content)} bytes, and its header of {width} x {height} asks for {expected}")
    values = np.frombuffer(content, "<f4", offset=_HEADER_BYTES).reshape(height, width, 2)
    return values[..., ::-1].astype(np.float32)
