"""Pictures of a data set: frames and instance maps read from files, resized, cut to an aspect ratio."""

import pathlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.annotations.map_file import read_ids
from seg2vid_tf.annotations.png_file import MAX_SIDE

_ORIENTATION = 0x0112
# The endings of frames, and what they may hold: a JPEG behind ".png" is read, another kind than the name says is told.
KINDS = {
    **dict.fromkeys((".jpg", ".jpeg", ".png"), ("JPEG", "PNG")),
    ".bmp": ("BMP", "JPEG", "PNG"),
    **dict.fromkeys((".tif", ".tiff"), ("TIFF", "JPEG", "PNG")),
    ".webp": ("WEBP", "JPEG", "PNG"),
}
# What each EXIF orientation asks for. Source: the EXIF standard, tag Orientation.
TURNS = {
    2: "mirrored left to right",
    3: "turned by 180 degrees",
    4: "mirrored top to bottom",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 270 degrees",
    8: "turned by 270 degrees",
}
_TURNED_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def read_frame(path: pathlib.Path, max_width: int = MAX_SIDE, turn: bool = True) -> np.ndarray:
    """The picture in a JPEG, PNG, BMP, TIFF or WebP file, uint8 [H, W, 3], upright.

    Args:
      path: the file.
      max_width: the widest picture to read.
      turn: whether to turn it as its EXIF tag says; False: as it is stored.

    Raises:
      ValueError: unreadable, of another kind than its name says, several pages, neither RGB nor grey nor palette,
        higher than MAX_SIDE or wider than ``max_width``.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with Image.open(path, formats=_kinds(path)) as image:
            mode, width, height = image.mode, *image.size
            # Telephones put a small copy behind a JPEG, which is no page.
            pages = getattr(image, "n_frames", 1) if image.format in ("TIFF", "WEBP") else 1
            if height <= MAX_SIDE and width <= max_width and mode in ("RGB", "L", "P") and pages == 1:
                # Telephones write what they see, and how they were held.
                return np.asarray((ImageOps.exif_transpose(image) if turn else _as_stored(image)).convert("RGB"))
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not a readable {_shown(path)} frame ({_other_kind(path)}); convert it") from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a readable {_shown(path)} frame ({error}); write the file again") from error
    found = f"{width}x{height} pixels of mode {mode}" + (f" on {pages} pages" if pages > 1 else "")
    raise ValueError(
        f"{path}: {found}, expected at most {max_width}x{MAX_SIDE} of 8-bit RGB or grey, one picture; convert it"
    )


def _kinds(path):
    return list(KINDS.get(path.suffix.lower(), ("JPEG", "PNG")))


def _shown(path):
    return " or ".join(("WebP" if kind == "WEBP" else kind) for kind in _kinds(path))


def _as_stored(image):
    """A picture as its file has it: Pillow turns TIFFs as their tag says whenever it decodes them."""
    orientation = image.getexif().get(_ORIENTATION, 1) if image.format == "TIFF" else 1
    return image.transpose(_TURNED_BACK[orientation]) if orientation in _TURNED_BACK else image


def _other_kind(path: pathlib.Path) -> str:
    """What a file holds that is of none of the kinds for its name."""
    try:
        with Image.open(path) as image:
            return f"it holds a {image.format} picture, whatever its name says"
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return "nothing in it is a picture"


def exif_orientation(path: pathlib.Path) -> int:
    """How a picture's EXIF tag says that it is to be turned or mirrored, 2 to 8; 1 where it is as it should be."""
    try:
        with Image.open(path, formats=_kinds(path)) as image:
            orientation = image.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return 1  # reading it says what is wrong
    return orientation if orientation in TURNS else 1


def read_instance_map(path: pathlib.Path, size: tuple[int, int] | None = None, resize: bool = False) -> np.ndarray:
    """The numbers in an instance map, uint8 or uint16 [H, W].

    Args:
      path: a PNG of 8 or 16 bits.
      size: (height, width) that it must have, None: any.
      resize: bring one of another size to ``size``, by nearest neighbour.

    Raises:
      ValueError: what read_ids refuses, or another size.
    """
    fix = "instance maps are 8- or 16-bit grey pictures of instance numbers"
    numbers = read_ids(path, depths=(8, 16), fix=fix)
    if size is None or numbers.shape == tuple(size):
        return numbers
    if not resize:
        raise ValueError(
            f"{path} is {numbers.shape[0]} x {numbers.shape[1]} (height x width), {size[0]} x {size[1]} is wanted: "
            "give --resize to bring it there"
        )
    return resize_label_map(numbers, size)


def resize_frame(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [H, W, 3] resized to (height, width): by area, or bilinearly where a side grows."""
    # Enlarging by area repeats single rows and columns.
    grows = size[0] > frame.shape[0] or size[1] > frame.shape[1]
    method = Image.Resampling.BILINEAR if grows else Image.Resampling.BOX
    return np.asarray(Image.fromarray(frame).resize((size[1], size[0]), method))


def aspect_crop(size: tuple[int, int], target: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns of the largest part, around the centre, of a (height, width) with the target's aspect ratio.

    One side is kept whole; the other is rounded to whole pixels.
    """
    height, width = size
    rows = min(height, max(1, round(width * target[0] / target[1])))
    columns = min(width, max(1, round(height * target[1] / target[0])))
    top, left = (height - rows) // 2, (width - columns) // 2
    return slice(top, top + rows), slice(left, left + columns)
