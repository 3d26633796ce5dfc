"""A frame's motion as a file, for the programs of a server: a grey PNG of 16 bits, three pictures one below the other.

    dy, dx       flow in pixels, stored as 64 * flow + 32768, so to 1/64 pixel and up to 512 pixels each way
    visibility   0..1, stored as 65535 * visibility

The numbers are those of KITTI's flow files (Geiger et al., 2013), but below each other: few readers of PNG know colours
of 16 bits, Pillow does not.
"""

import io

import numpy as np
from PIL import Image

UNITS_PER_PIXEL, ZERO, LARGEST = 64.0, 32768.0, 65535.0


def decode_motion(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """(flow float32 [H,W,2] in pixels, visibility float32 [H,W,1] in 0..1) of a file as ``continue`` returns it."""
    stored = np.asarray(Image.open(io.BytesIO(data)), np.float32)
    dy, dx, visibility = np.split(stored, 3)
    flow = (np.stack([dy, dx], axis=-1) - ZERO) / UNITS_PER_PIXEL
    return flow, visibility[..., None] / LARGEST
