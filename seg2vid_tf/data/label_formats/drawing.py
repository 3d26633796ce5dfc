"""Shapes drawn on top of each other, in the order in which a tool keeps them: what comes later lies above."""

import numpy as np
from PIL import Image, ImageDraw

from seg2vid_tf.annotations.png_file import MAX_SIDE
from seg2vid_tf.data.label_formats.labelled import Labels, NothingLabelled


class Drawing:
    """Draws named shapes; every shape fills at least the pixels that its outline touches, so thin ones stay.

    Args:
      size: (height, width).

    Raises:
      ValueError: no size of a picture, or a shape whose name is no text.
    """

    def __init__(self, size: tuple[int, int]):
        check_size(size)
        self._size = size
        self._picture = Image.new("I", size[::-1])
        self._names, self._objects = {}, []

    def polygon(self, name: str, points, instance=None) -> None:
        """A filled polygon of (x, y) in pixels; two points are a line, one is a dot."""
        points = _rounded(points)
        if len(points) > 2:
            self._draw().polygon(points, fill=self._next(name, instance), outline=self._last)
        elif points:
            self.line(name, points, 1, instance)

    def rectangle(self, name: str, corners, instance=None) -> None:
        """A filled rectangle between two corners."""
        (x1, y1), (x2, y2) = corners
        box = [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]
        self._draw().rectangle(box, fill=self._next(name, instance))

    def line(self, name: str, points, width: int, instance=None) -> None:
        """Lines from point to point."""
        points = _rounded(points)
        number = self._next(name, instance)
        if len(points) == 1:
            self._draw().point(points, fill=number)
        else:
            self._draw().line(points, fill=number, width=width)

    def ellipse(self, name: str, center, radii, instance=None) -> None:
        """An ellipse whose axes are those of the picture."""
        (x, y), (across, down) = center, radii
        self._draw().ellipse([x - across, y - down, x + across, y + down], fill=self._next(name, instance))

    def mask(self, name: str, mask: np.ndarray, top: int = 0, left: int = 0, instance=None) -> None:
        """Where bool [h, w] is true, its first pixel at row ``top`` and column ``left``; what lies outside is cut."""
        number = self._next(name, instance)
        inside = mask[max(0, -top) :, max(0, -left) :][: self._size[0] - max(0, top), : self._size[1] - max(0, left)]
        self._picture.paste(number, (max(0, left), max(0, top)), Image.fromarray(np.uint8(inside) * 255))

    def labels(self, what: str) -> Labels:
        """What was drawn; instances where shapes were given one.

        Args:
          what: the picture, for messages.

        Raises:
          NothingLabelled: nothing was drawn.
        """
        if not self._objects:
            raise NothingLabelled(what)
        shapes = np.asarray(self._picture)
        numbers = sorted({name for name, _ in self._objects})
        of_name = {name: i for i, name in enumerate(numbers, 1)}
        table = np.array([0, *(of_name[name] for name, _ in self._objects)], np.uint16)
        known = sorted({(name, instance) for name, instance in self._objects if instance is not None}, key=str)
        of_instance = {which: i for i, which in enumerate(known, 1)}
        instances = np.array([0, *(of_instance.get(which, 0) for which in self._objects)], np.uint16)
        names = {0: ""} | {i: name for name, i in of_name.items()}
        return Labels(table[shapes], names, instances[shapes] if known else None)

    def _next(self, name, instance):
        if not isinstance(name, str):
            raise ValueError(f"a label that is no text: {name!r}")
        self._objects.append((name, instance))
        self._last = len(self._objects)
        return self._last

    def _draw(self):
        return ImageDraw.Draw(self._picture)


def check_size(size: tuple[int, int]) -> None:
    """Raises ValueError where a document's (height, width) would need more memory than any picture."""
    if not all(0 < side <= MAX_SIDE for side in size):
        raise ValueError(f"{size[1]}x{size[0]} pixels, expected 1 to {MAX_SIDE} a side")


def _rounded(points):
    """What tools keep in per cent comes back as 10.000000000000002, and would lose a row."""
    return [(round(float(x), 6), round(float(y), 6)) for x, y in points]
