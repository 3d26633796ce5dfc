"""Bringing pictures and maps of another shape to a model's size."""

import numpy as np
import pytest

from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.data.fit import FITS, content, fitted
from seg2vid_tf.data.pictures import resize_frame

SIZE = (32, 64)


def _disc(height, width, radius):
    """A map of a disc in the middle: 1 inside, 0 outside, 2 in the outermost columns and rows."""
    y, x = np.mgrid[:height, :width] + 0.5
    ids = ((y - height / 2) ** 2 + (x - width / 2) ** 2 < radius**2).astype(np.uint8)
    ids[[0, -1]], ids[:, [0, -1]] = 2, 2
    return ids


def _sides(mask):
    rows, columns = np.nonzero(mask.any(axis=1))[0], np.nonzero(mask.any(axis=0))[0]
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


@pytest.mark.parametrize("shape", [(128, 128), (96, 300), (400, 100)])
@pytest.mark.parametrize("how", FITS)
def test_a_disc_stays_one_unless_it_is_squeezed(how, shape):
    brought = fitted(_disc(*shape, radius=min(shape) / 4), SIZE, how, resize_label_map)
    assert brought.shape == SIZE
    height, width = _sides(brought == 1)
    round_still = abs(height - width) <= 1
    assert round_still == (how != "squeeze")


def test_a_letterbox_shows_all_of_the_picture_and_its_content_is_that():
    ids = _disc(128, 128, 40)
    brought = fitted(ids, SIZE, "letterbox", resize_label_map)
    kept = content(ids.shape, SIZE, "letterbox")
    assert (kept[0].start, kept[0].stop, kept[1].start, kept[1].stop) == (0, 32, 16, 48)
    np.testing.assert_array_equal(brought[kept], resize_label_map(ids, (32, 32)))
    # The borders repeat what is beside them.
    np.testing.assert_array_equal(brought[:, :16], np.repeat(brought[:, 16:17], 16, axis=1))
    np.testing.assert_array_equal(brought[:, 48:], np.repeat(brought[:, 47:48], 16, axis=1))


@pytest.mark.parametrize("how", FITS)
def test_a_picture_is_where_its_map_is(how):
    ids = _disc(90, 130, 30)
    frame = np.repeat(100 * (ids == 1).astype(np.uint8)[..., None], 3, axis=-1)
    brought = fitted(frame, SIZE, how, resize_frame)
    assert brought.shape == (*SIZE, 3)
    same = (brought[..., 0] > 50) == (fitted(ids, SIZE, how, resize_label_map) == 1)
    assert same.mean() > 0.97


@pytest.mark.parametrize("shape", [(7, 301), (301, 7), (33, 65)])
def test_what_is_kept_is_even_and_inside(shape):
    for part, whole in zip(content(shape, SIZE, "letterbox"), SIZE, strict=True):
        assert (part.stop - part.start) % 2 == 0 and 0 <= part.start < part.stop <= whole


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="fit must be one of .* received 'stretch'"):
        content((4, 4), SIZE, "stretch")
