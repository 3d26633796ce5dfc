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
GREY, RGB, PALETTE, RGBA = 0, 2, 3, 6
COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
# A 17 KB file can claim 12000 x 12000 pixels: no picture of this field is larger than this in either direction.
MAX_SIDE = 8192
FIX = (
    "save the class ids as an 8-bit grey PNG (label_map.write_label_map does); "
    "one that is painted in the classes' colours is read with --colors=classes"
)
RGB_FIX = "a label map in colours is an 8-bit RGB or a palette PNG: every other kind has lost or mixed some"
# What red, green and blue count in a number for a colour.
PACKED = (1, 1 << 8, 1 << 16)


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
    return values.astype(np.uint16 if depth == 16 else np.uint8, copy=False)


def read_palette(path: str | os.PathLike) -> np.ndarray | None:
    """The colours of a palette PNG's indices, uint8 [N, 3]; None of another PNG."""
    with Image.open(path, formats=["PNG"]) as image:
        return np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3) if image.mode == "P" else None


def read_packed_png(path: str | os.PathLike) -> np.ndarray:
    """The colours of read_rgb_png as one number a pixel, red + 256 green + 65536 blue, uint32 [H, W]; faster."""
    width, height, depth, colour = _header(pathlib.Path(path), RGB_FIX)
    if colour != RGB or depth != 8:
        return read_rgb_png(path) @ np.uint32(PACKED)
    return np.frombuffer(_decoded(path, width, height, lambda image: image.tobytes("raw", "RGBX")), "<u4").reshape(
        height, width
    ) & np.uint32(0xFFFFFF)


def read_rgb_png(path: str | os.PathLike) -> np.ndarray:
    """The colours that an 8-bit RGB, palette or opaque RGBA PNG shows, uint8 [H, W, 3].

    Raises:
      ValueError: not a file, not a PNG, another colour type or bit depth, transparent pixels, too large, damaged.
    """
    path = pathlib.Path(path)
    width, height, depth, colour = _header(path, RGB_FIX)
    if not ((colour in (RGB, RGBA) and depth == 8) or colour == PALETTE):
        kind = COLOUR_TYPES.get(colour, f"colour type {colour}")
        raise ValueError(f"{path}: {depth}-bit {kind} PNG, expected 8-bit RGB; {RGB_FIX}")
    values = _decoded(path, width, height)
    if colour == PALETTE:
        return _palette_of_all(path)[values]
    if colour == RGBA and (values[..., 3] != 255).any():
        raise ValueError(f"{path}: {np.count_nonzero(values[..., 3] != 255)} pixels are transparent; {RGB_FIX}")
    return values[..., :3]


def _palette_of_all(path):
    """uint8 [256, 3]: an index beyond the palette is black, as decoders show it."""
    colors = np.zeros((256, 3), np.uint8)
    palette = read_palette(path)
    colors[: len(palette)] = palette
    return colors


def grey_png(values: np.ndarray) -> bytes:
    """A grey PNG of uint8 or uint16 [H, W], fast: Pillow tries five filters a row, none of which serves large areas.

    Runs of one value are all that is looked for (Z_RLE): as fast as any, and files of label maps are smaller by it.
    """
    height, width = values.shape
    depth = 8 * values.dtype.itemsize
    rows = np.zeros((height, 1 + width * values.dtype.itemsize), np.uint8)  # each row begins with its filter, none
    rows[:, 1:] = np.ascontiguousarray(values, values.dtype.newbyteorder(">")).view(np.uint8)
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 7, zlib.Z_RLE)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, GREY, 0, 0, 0)),
        (b"IDAT", packer.compress(rows) + packer.flush()),
        (b"IEND", b""),
    )
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return PNG_START[:8] + b"".join(parts)


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


def _decoded(path: pathlib.Path, width: int, height: int, pixels=np.asarray):
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ValueError(f"{path}: {width}x{height} pixels, expected at most {MAX_SIDE}x{MAX_SIDE}; scale it down")
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            return pixels(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise ValueError(f"{path}: damaged or truncated PNG ({error}); write the file again") from error
