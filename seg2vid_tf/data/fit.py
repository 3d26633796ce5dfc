"""How pictures and maps of another shape come to a model's size: squeezed, cut, or whole between borders.

squeeze     both sides are brought there on their own; the shape of things changes
crop        the largest part around the centre that has the model's shape
letterbox   the whole, as large as it fits in; what is missing repeats the edge, as no class and no colour that a model
            knows would do, and ``content`` says what to cut out of its video
"""

from collections.abc import Callable

import numpy as np

from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.data.pictures import aspect_crop

FITS = ("squeeze", "crop", "letterbox")


def fitted(array: np.ndarray, size: tuple[int, int], how: str, resize: Callable) -> np.ndarray:
    """A picture or map [H, W, ...] at (height, width).

    Args:
      array: what is brought there.
      size: the model's.
      how: one of FITS.
      resize: (array, size) -> array, resize_frame or resize_label_map.
    """
    if how == "crop":
        return resize(array[aspect_crop(array.shape[:2], size)], size)
    rows, columns = content(array.shape[:2], size, how)
    inside = resize(array, (rows.stop - rows.start, columns.stop - columns.start))
    around = [(rows.start, size[0] - rows.stop), (columns.start, size[1] - columns.stop)]
    return np.pad(inside, around + [(0, 0)] * (array.ndim - 2), mode="edge")


def check_fit(how: str, resize: bool) -> None:
    """Refuses --fit without --resize.

    Raises:
      ValueError: how is not the default, and nothing is resized.
    """
    if how != "squeeze" and not resize:
        raise ValueError(f"--fit={how} says how a map of another shape is resized: give --resize, too")


def map_at(array: np.ndarray, size: tuple[int, int], how: str, resize: bool, name: str) -> np.ndarray:
    """A label or instance map at (height, width).

    Args:
      array, size, how: as of ``fitted``.
      resize: whether one of another size is brought there.
      name: the map's, for the error.

    Raises:
      ValueError: it has another size, and is not to be resized.
    """
    if array.shape == size:
        return array
    if not resize:
        raise ValueError(
            f"{name} is {array.shape[0]} x {array.shape[1]} (height x width), the model takes {size[0]} x {size[1]}: "
            "give --resize to bring it there, and --fit=crop or letterbox to keep its shape"
        )
    return fitted(array, size, how, resize_label_map)


def content(shape: tuple[int, int], size: tuple[int, int], how: str) -> tuple[slice, slice]:
    """The rows and columns of a frame of ``size`` that show a picture of ``shape``, the rest being borders.

    Their numbers are even, as MP4 needs, where the size's are.

    Raises:
      ValueError: unknown ``how``.
    """
    if how not in FITS:
        raise ValueError(f"fit must be one of {FITS}, received {how!r}")
    if how != "letterbox":
        return slice(0, size[0]), slice(0, size[1])
    scale = min(size[0] / shape[0], size[1] / shape[1])
    lengths = [min(whole, max(2, 2 * round(side * scale / 2))) for side, whole in zip(shape, size, strict=True)]
    starts = [(whole - length) // 2 for whole, length in zip(size, lengths, strict=True)]
    rows, columns = (slice(start, start + length) for start, length in zip(starts, lengths, strict=True))
    return rows, columns
