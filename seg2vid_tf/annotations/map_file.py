"""Reading a file that holds numbers or exact colours, of every kind that can keep them; png_file.py reads PNGs.

    PNG                  the kind that everything here writes
    TIFF                 8 or 16 bits, RGB or a palette; not where JPEG or WebP is inside, nor several pages
    BMP                  8 bits, RGB or a palette
    WebP, lossless       has colours alone: numbers are grey pixels

Which kind a file is of its first bytes say, not its name. What has lost something (JPEG, lossy WebP) is refused.
"""

import os
import pathlib
import struct

import numpy as np
from PIL import Image

from seg2vid_tf.annotations import png_file
from seg2vid_tf.annotations.png_file import FIX, MAX_SIDE

SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".webp")
_STARTS = ((b"II*\0", "TIFF"), (b"MM\0*", "TIFF"), (b"II+\0", "TIFF"), (b"BM", "BMP"), (b"RIFF", "WEBP"))
_COMPRESSION, _PHOTOMETRIC, _WHITE_IS_ZERO = 259, 262, 0
# None, CCITT's run lengths, LZW, deflate twice, PackBits, LZMA, Zstandard. Source: TIFF 6.0 and libtiff's tags.
_LOSSLESS_TIFF = {1, 2, 5, 8, 32773, 32946, 34925, 50000}
_BITS = {"L": 8, "I;16": 16, "I;16B": 16, "I;16L": 16}


def read_ids(path: str | os.PathLike, *, depths=(8,), allow_palette=False, fix=FIX, palette_fix="") -> np.ndarray:
    """The numbers stored in a single-channel file; arguments and errors as of read_ids_png.

    Raises:
      ValueError: what read_ids_png refuses; a lossy file, colours, several pages.
    """
    path = pathlib.Path(path)
    kind = _kind(path)
    if kind is None:
        return png_file.read_ids_png(path, depths=depths, allow_palette=allow_palette, fix=fix, palette_fix=palette_fix)
    image = _read(path, kind, fix)
    values = np.asarray(image)
    if _BITS.get(image.mode) in depths or (image.mode == "P" and allow_palette):
        return values.astype(np.uint16 if image.mode in _BITS and _BITS[image.mode] == 16 else np.uint8, copy=False)
    if kind == "WEBP" and 8 in depths and _opaque(values) and (values[..., :3] == values[..., :1]).all():
        return values[..., 0]
    fix += palette_fix if image.mode == "P" else ""
    raise ValueError(f"{path}: {kind} of mode {image.mode}, expected {' or '.join(map(str, depths))}-bit grey; {fix}")


def read_palette(path: str | os.PathLike) -> np.ndarray | None:
    """The colours of a palette file's indices, uint8 [N, 3]; None of another file."""
    path = pathlib.Path(path)
    kind = _kind(path)
    if kind is None:
        return png_file.read_palette(path)
    image = _read(path, kind, FIX)
    return np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3) if image.mode == "P" else None


def read_rgb(path: str | os.PathLike) -> np.ndarray:
    """The colours that a file shows, uint8 [H, W, 3].

    Raises:
      ValueError: what read_rgb_png refuses; a lossy file, several pages.
    """
    path = pathlib.Path(path)
    kind = _kind(path)
    if kind is None:
        return png_file.read_rgb_png(path)
    image = _read(path, kind, png_file.RGB_FIX)
    values = np.asarray(image)
    if image.mode in ("RGB", "RGBA") and _opaque(values):
        return values[..., :3]
    if image.mode == "P":
        return np.asarray(image.convert("RGB"))
    raise ValueError(f"{path}: {kind} of mode {image.mode}, expected opaque RGB; {png_file.RGB_FIX}")


def _opaque(values):
    return values.ndim == 3 and (values.shape[-1] == 3 or bool((values[..., 3] == 255).all()))


def _kind(path):
    """What a file is by its first bytes, if one of the other kinds; None: png_file.py says what is wrong with it."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(12)
    kind = next((kind for begins, kind in _STARTS if start.startswith(begins)), None)
    return None if kind == "WEBP" and start[8:] != b"WEBP" else kind


def _read(path, kind, fix):
    """The picture, decoded, its header checked before."""
    fault = ""
    try:
        lossy = kind == "WEBP" and _lossy_webp(path)
        with Image.open(path, formats=[kind]) as image:
            width, height = image.size
            pages = getattr(image, "n_frames", 1)
            if kind == "TIFF":
                lossy = image.tag_v2.get(_COMPRESSION, 1) not in _LOSSLESS_TIFF
                if image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
                    fault = f"whose numbers are stored inverted, 0 for white; {fix}"
            if lossy:
                fault = f"whose compression loses pixels; {fix}"
            elif pages > 1:
                fault = f"of {pages} pages or frames; {fix}"
            elif max(width, height) > MAX_SIDE:
                fault = f"of {width}x{height} pixels, expected at most {MAX_SIDE}x{MAX_SIDE}; scale it down"
            if not fault:
                image.load()
                return image.copy()
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: damaged or truncated {kind} ({error}); write the file again") from error
    raise ValueError(f"{path}: a {kind} file {fault}")


def _lossy_webp(path):
    """Whether a chunk of a WebP file holds lossily coded pixels, "VP8 "; lossless ones are in "VP8L"."""
    with path.open("rb") as file:
        file.seek(12)
        while len(header := file.read(8)) == 8:
            if header[:4] in (b"VP8 ", b"VP8L", b"ANIM"):
                return header[:4] == b"VP8 "
            file.seek(int.from_bytes(header[4:], "little") + int.from_bytes(header[4:], "little") % 2, os.SEEK_CUR)
    return False
