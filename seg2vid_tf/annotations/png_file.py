"""Reading a PNG that holds numbers or exact colours (label maps, instance maps), its header checked before decoding.

Pillow opens an RGB, palette, 16-bit or alpha file just as gladly as a grey one and hands out wrong numbers; here the
header (bytes 0-25: signature, width, height, bit depth, colour type) decides first. png_guard.py does so in a graph.
"""

import os
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image

PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
HEADER_BYTES = 26
GREY, RGB, PALETTE = 0, 2, 3
COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
# A 17 KB file can claim 12000 x 12000 pixels: no picture of this field is larger than this in either direction.
MAX_SIDE = 8192
FIX = (
    "save the class ids as an 8-bit grey PNG (label_map.write_label_map does); "
    "prepare_data.py --colors reads painted maps"
)


def read_ids_png(path: str | os.PathLike, *, depths=(8,), allow_palette=False, fix=FIX, palette_fix="") -> np.ndarray:
    """The numbers stored in a single-channel PNG.

    Args:
      path: the file.
      depths: bit depths accepted for grey files; of (8, 16).
      allow_palette: whether a palette file is accepted too; its palette indices are the numbers.
      fix: what to tell the user to do instead, at the end of each message.
      palette_fix: what to add to that where a palette file is refused.

    Returns:
      uint8 [H, W], or uint16 [H, W] for a 16-bit file.

    Raises:
      ValueError: not a file, not a PNG, another colour type or bit depth, too large, damaged or truncated.
    """
    path = pathlib.Path(path)
    width, height, depth, colour = _header(path, fix)
    if not (colour == GREY and depth in depths or colour == PALETTE and allow_palette):
        kind = COLOUR_TYPES.get(colour, f"colour type {colour}")
        fix += palette_fix if colour == PALETTE else ""
        raise ValueError(f"{path}: {depth}-bit {kind} PNG, expected {' or '.join(map(str, depths))}-bit grey; {fix}")
    values = _decoded(path, width, height)
    return values.astype(np.uint16 if depth == 16 else np.uint8)


def read_rgb_png(path: str | os.PathLike) -> np.ndarray:
    """The colours of an 8-bit RGB PNG, uint8 [H, W, 3].

    Raises:
      ValueError: not a file, not a PNG, another colour type or bit depth, too large, damaged or truncated.
    """
    path = pathlib.Path(path)
    fix = "a label map in colours is an 8-bit RGB PNG: every other kind has lost or mixed some"
    width, height, depth, colour = _header(path, fix)
    if (colour, depth) != (RGB, 8):
        kind = COLOUR_TYPES.get(colour, f"colour type {colour}")
        raise ValueError(f"{path}: {depth}-bit {kind} PNG, expected 8-bit RGB; {fix}")
    return _decoded(path, width, height)


def _header(path: pathlib.Path, fix: str) -> tuple[int, int, int, int]:
    """Width, height, bit depth and colour type."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header.startswith(PNG_START):
        found = "a JPEG file" if header.startswith(b"\xff\xd8\xff") else f"first bytes {header[:8]!r}"
        raise ValueError(f"{path}: not a PNG file ({found}); {fix}")
    return struct.unpack(">IIBB", header[16:HEADER_BYTES])


def _decoded(path: pathlib.Path, width: int, height: int) -> np.ndarray:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(f"{path}: {width}x{height} pixels, expected at most {MAX_SIDE}x{MAX_SIDE}; scale it down")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise ValueError(f"{path}: damaged or truncated PNG ({error}); write the file again") from error
