"""How published programs prepare pictures for their networks: a distance by another preparation is another number.

    fid            Inception of FID as first published (Heusel et al., 2017: the graph resizes): 299x299, TensorFlow 1's
                   bilinear sampling (pixel i at i, no antialiasing), (x - 128) / 128
    pytorch_fid    pytorch-fid: 299x299, bilinear at pixel centres, no antialiasing, [-1,1]
    clean_fid      clean-fid, mode "clean" (Parmar et al., CVPR 2022): 299x299, Pillow's bicubic with antialiasing, in
                   floats, clipped to 0..255, (x - 128) / 128
    fvd<N>         I3D of FVD as first published (Unterthiner et al., 2018): clips of N frames, 224x224 as fid does,
                   [-1,1]; fvd16 is the usual one
    videogpt_fvd<N>   VideoGPT's, which many took over: the shorter side to 224 as pytorch_fid does, the middle
                   224x224 of it, [-0.5,0.5]

What a network gets is what stands at the end of a line; one that rescales its input by itself gets 0..255 instead
where that can be seen (ops/picture_network.py), and is saved without that otherwise.
NumPy and Pillow alone, so that a flag can be read before TensorFlow loads.
"""

import dataclasses
import math
import os
import re
from collections.abc import Callable

import numpy as np
from PIL import Image


@dataclasses.dataclass(frozen=True)
class PublishedPreprocessing:
    """One of the above.

    Attributes:
      name: "fid", "fvd16", ...
      size: (height, width) that the network sees.
      clip_length: frames of a clip; None: it is of pictures.
      resize: (uint8 [N,H,W,3], size) -> float32 [N,h,w,3] in 0..255.
      center, scale: the network gets (x - center) / scale.
    """

    name: str
    size: tuple[int, int]
    clip_length: int | None
    resize: Callable[[np.ndarray, tuple[int, int]], np.ndarray]
    center: float
    scale: float

    def __call__(self, pictures: np.ndarray, scaled: bool = True) -> np.ndarray:
        """uint8 [...,H,W,3] -> float32 [...,h,w,3] as the network gets them; not ``scaled``, in 0..255."""
        values = self.resize(pictures.reshape(-1, *pictures.shape[-3:]), self.size)
        if scaled:
            values = (values - np.float32(self.center)) / np.float32(self.scale)
        return values.reshape(*pictures.shape[:-3], *self.size, 3)


def published_preprocessing(name: str) -> PublishedPreprocessing:
    """The preparation of that name.

    Raises:
      ValueError: there is none; it lists the known ones.
    """
    inception, i3d = (299, 299), (224, 224)
    pictures = {
        "fid": (inception, None, _bilinear_from_corners, 128.0, 128.0),
        "pytorch_fid": (inception, None, _bilinear_at_centers, 127.5, 127.5),
        "clean_fid": (inception, None, _bicubic, 128.0, 128.0),
    }
    if name in pictures:
        return PublishedPreprocessing(name, *pictures[name])
    found = re.fullmatch("(|videogpt_)fvd([1-9][0-9]{0,3})", name)
    if not found:
        raise ValueError(
            f"unknown preprocessing {name!r}: there are {', '.join(pictures)}, fvd<N> and videogpt_fvd<N> for clips "
            "of N frames, as fvd16; without one, pictures are resized with antialiasing"
        )
    length = int(found[2])
    if found[1]:
        return PublishedPreprocessing(name, i3d, length, _middle, 127.5, 255.0)
    return PublishedPreprocessing(name, i3d, length, _bilinear_from_corners, 127.5, 127.5)


def split_preprocessing(entry: str) -> tuple[PublishedPreprocessing | None, str]:
    """What a flag names: "fid=FILE" -> (that preparation, FILE), "FILE" -> (None, FILE).

    A file whose own name has an equals sign needs a folder before it, as ./a=b.tflite.

    Raises:
      ValueError: no such preparation.
    """
    name, equals, path = entry.partition("=")
    if not equals or os.sep in name:
        return None, entry
    return published_preprocessing(name), path


def _bilinear(pictures, size, first):
    """float32 [N,*size,3]: pixel i of a side is sampled at (i + first) * given / wanted - first, no antialiasing."""
    sampled = pictures.astype(np.float32)
    for axis, wanted in zip((1, 2), size, strict=True):
        given = sampled.shape[axis]
        at = np.clip((np.arange(wanted) + first) * (given / wanted) - first, 0, given - 1)
        low = at.astype(int)
        share = (at - low).astype(np.float32).reshape((-1, 1, 1) if axis == 1 else (-1, 1))
        high = np.minimum(low + 1, given - 1)
        sampled = sampled.take(low, axis) * (1 - share) + sampled.take(high, axis) * share
    return sampled


def _bilinear_from_corners(pictures, size):
    return _bilinear(pictures, size, first=0.0)


def _bilinear_at_centers(pictures, size):
    return _bilinear(pictures, size, first=0.5)


def _middle(pictures, size):
    """The shorter side to that of a square, then what lies in the middle."""
    height, width = pictures.shape[1:3]
    side = size[0]
    scale = side / min(height, width)
    scaled = (side, math.ceil(width * scale)) if height < width else (math.ceil(height * scale), side)
    top, left = ((there - side) // 2 for there in scaled)
    return _bilinear_at_centers(pictures, scaled)[:, top : top + side, left : left + side]


def _bicubic(pictures, size):
    """Pillow's, of float channels: its filter widens where pictures shrink."""
    resized = np.empty((len(pictures), *size, 3), np.float32)
    for picture, into in zip(pictures.astype(np.float32), resized, strict=True):
        for channel in range(3):
            image = Image.fromarray(np.ascontiguousarray(picture[..., channel]))
            into[..., channel] = np.asarray(image.resize(size[::-1], Image.Resampling.BICUBIC))
    return resized.clip(0.0, 255.0)
