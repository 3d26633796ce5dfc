"""Painted pictures whose colours are not quite a spec's: each pixel gets a class, and what was changed is told.

Where a paint program smooths an edge, a pixel lies between two colours and may look like a third class. So it takes one
of the classes that are painted exactly beside it, the one of the closest colour.
"""

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec

_REACH = 2  # pixels from an edge that smoothing changes
_MOST = 0.5  # share of pixels beyond which a picture is no map


def snap_colors(picture: np.ndarray, spec: AnnotationSpec) -> tuple[np.ndarray, str]:
    """The classes of a picture that is painted in the spec's colours, black for ignored where no class is black.

    Args:
      picture: uint8 [H, W, 3].
      spec: whose colours it is painted in.

    Returns:
      uint8 [H, W], and what was changed, in a sentence; "" where every colour was exact.

    Raises:
      ValueError: most pixels are of other colours.
    """
    ids = {c.color: c.id for c in reversed(spec.classes)}
    ids.setdefault((0, 0, 0), spec.ignore_id)
    colors, values = np.array(list(ids), np.int32), np.array(list(ids.values()), np.uint8)
    packed = _packed(picture)
    order = np.argsort(_packed(colors))
    place = np.searchsorted(_packed(colors)[order], packed).clip(max=len(order) - 1)
    index = order[place]
    exact = _packed(colors)[index] == packed
    wrong = np.argwhere(~exact)
    if not len(wrong):
        return values[index], ""
    if len(wrong) > _MOST * exact.size:
        raise ValueError(
            f"{100 * len(wrong) / exact.size:.0f} % of its pixels have none of the colours of spec {spec.name!r}: this "
            "is no map painted in them; choose beside the file what it holds"
        )
    rows, columns = wrong.T
    distance = np.stack([((picture[rows, columns] - color) ** 2).sum(axis=1) for color in colors], axis=1)
    beside = np.stack([_near(exact & (index == i))[rows, columns] for i in range(len(colors))], axis=1)
    beside |= ~beside.any(axis=1, keepdims=True)  # far from anything exact, every class may be meant
    chosen = np.where(beside, distance, np.iinfo(np.int32).max).argmin(axis=1)
    index[rows, columns] = chosen
    return values[index], _told(picture[rows, columns], values[chosen], spec)


def _packed(colors):
    colors = colors.astype(np.int32)
    return colors[..., 0] << 16 | colors[..., 1] << 8 | colors[..., 2]


def _near(mask):
    """Where a mask is true within _REACH rows and columns."""
    for axis in (0, 1):
        padded = np.pad(mask, [(_REACH, _REACH) if i == axis else (0, 0) for i in (0, 1)])
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _REACH + 1, axis=axis)
        mask = windows.any(axis=-1)
    return mask


def _told(colors, ids, spec):
    found, counts = np.unique(np.column_stack([colors, ids]), axis=0, return_counts=True)
    names = {c.id: c.name for c in spec.classes}
    often = np.argsort(-counts)[:3]
    shown = [f"({', '.join(map(str, found[i, :3]))}) to {names.get(int(found[i, 3]), 'ignored')}" for i in often]
    pixels = f"{len(ids)} pixels have" if len(ids) > 1 else "1 pixel has"
    return (
        f"{pixels} a colour of no class, as smoothed edges have, and got the closest class beside: "
        f"{'; '.join(shown)}{' and others' if len(found) > 3 else ''}"
    )
