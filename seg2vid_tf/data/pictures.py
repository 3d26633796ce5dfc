"""Pictures of a data set: frames and instance maps read from files, resized, cut to an aspect ratio."""

import pathlib

import numpy as np
from PIL import Image, ImageOps

from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.annotations.png_file import MAX_SIDE, read_ids_png


def read_frame(path: pathlib.Path, max_width: int = MAX_SIDE) -> np.ndarray:
    """The picture in a JPEG or PNG file, uint8 [H, W, 3], upright.

    Raises:
      ValueError: unreadable, neither RGB nor grey nor palette, higher than MAX_SIDE or wider than ``max_width``.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with Image.open(path, formats=["JPEG", "PNG"]) as image:
            mode, width, height = image.mode, *image.size
            if height <= MAX_SIDE and width <= max_width and mode in ("RGB", "L", "P"):
                # Telephones write what they see, and how they were held.
                return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: not a readable JPEG or PNG frame ({error}); write the file again") from error
    raise ValueError(
        f"{path}: {width}x{height} pixels of mode {mode}, expected at most {max_width}x{MAX_SIDE} of 8-bit RGB or "
        "grey; convert it"
    )


def read_instance_map(path: pathlib.Path, size: tuple[int, int] | None = None, resize: bool = False) -> np.ndarray:
    """The numbers in an instance map, uint8 or uint16 [H, W].

    Args:
      path: a PNG of 8 or 16 bits.
      size: (height, width) that it must have, None: any.
      resize: bring one of another size to ``size``, by nearest neighbour.

    Raises:
      ValueError: what read_ids_png refuses, or another size.
    """
    fix = "instance maps are 8- or 16-bit grey PNGs of instance numbers"
    numbers = read_ids_png(path, depths=(8, 16), fix=fix)
    if size is None or numbers.shape == tuple(size):
        return numbers
    if not resize:
        raise ValueError(f"{path} is {numbers.shape}, its label map {tuple(size)}: give --resize to bring both there")
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
