"""Where names that nobody knows lie, as one picture: a tile for each, lit on its picture, the rest of which is dark.

A number or a colour of one's own says nothing; its place does: what lies below everywhere is the road.
"""

import dataclasses
import pathlib

import numpy as np
from PIL import Image, ImageDraw

from seg2vid_tf.data.pictures import read_frame, resize_frame
from seg2vid_tf.media import contact_sheet

TILE_WIDTH = 240
MOST_TILES = 60
_COLUMNS, _CAPTION = 4, 18
_LIT, _PLAIN = np.array((255, 160, 0)), np.array((110, 110, 110))


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a name lies in one picture.

    Attributes:
      pixels: how many of the picture's it has.
      mask: bool [h, TILE_WIDTH]: where some of them are.
      image: the picture's file; None: there is none.
    """

    pixels: int
    mask: np.ndarray
    image: pathlib.Path | None = None


def place(numbers: np.ndarray, number: int, image: pathlib.Path | None = None) -> Place:
    """Where a number lies in [H, W]."""
    there = numbers == number
    height = max(1, round(there.shape[0] * TILE_WIDTH / there.shape[1]))
    # Averages, of which anything but none counts, so that thin things stay.
    small = Image.fromarray(there.astype(np.uint8) * 255).resize((TILE_WIDTH, height), Image.Resampling.BOX)
    return Place(int(there.sum()), np.asarray(small) > 0, image)


def sheet(places: dict[str, tuple[Place, float]]) -> np.ndarray:
    """The picture of them, the largest first.

    Args:
      places: {name: (its place, its share of all pixels)}; beyond MOST_TILES the smallest are left out.

    Returns:
      uint8 [H, W, 3].
    """
    shown = sorted(places.items(), key=lambda item: -item[1][1])[:MOST_TILES]
    tiles = [_tile(f"{name}   {share:.2%}", where) for name, (where, share) in shown]
    height = max(len(tile) for tile in tiles)
    tiles = [np.pad(t, ((0, height - len(t)), (0, 0), (0, 0)), constant_values=255) for t in tiles]
    return contact_sheet([tiles[i : i + _COLUMNS] for i in range(0, len(tiles), _COLUMNS)], gap=8)


def _tile(caption, where):
    lit = where.mask[..., None]
    picture = np.where(lit, 0.45 * _below(where) + 0.55 * _LIT, 0.5 * _below(where)).astype(np.uint8)
    tile = Image.new("RGB", (TILE_WIDTH, len(picture) + _CAPTION), "white")
    tile.paste(Image.fromarray(picture), (0, _CAPTION))
    # Pillow's own letters are Latin-1 where it was built without FreeType.
    ImageDraw.Draw(tile).text((2, 3), caption.encode("latin-1", "replace").decode("latin-1"), fill="black")
    return np.asarray(tile)


def _below(where):
    """The picture in grey, so that what is lit stands out; plain grey where there is none that can be read."""
    size = where.mask.shape
    if where.image is not None:
        try:
            return resize_frame(read_frame(where.image), size).mean(axis=-1, keepdims=True)
        except ValueError:  # prepare_data.py says what is wrong with it
            pass
    return np.broadcast_to(_PLAIN, (*size, 3))
