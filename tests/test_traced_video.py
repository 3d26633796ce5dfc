"""TracedVideo: pixels of a long video come from the frame that showed them first, by hand-computed motions."""

import numpy as np
import pytest

from seg2vid_tf.traced_video import TracedVideo

HEIGHT, WIDTH = 6, 12
PICTURE = np.random.default_rng(0).integers(0, 256, (1, HEIGHT, WIDTH, 3), np.uint8)
LABELS = np.random.default_rng(1).integers(0, 5, (1, HEIGHT, WIDTH), np.uint8)


def _moved(dy, dx, steps=1, visible=1.0, shown=0, label=9):
    """A chunk in which all is moved by (dy, dx) a frame; what is not visible shows one grey and one class."""
    flow = np.stack([np.full((1, HEIGHT, WIDTH, 2), np.float32([dy, dx]) * (t + 1)) for t in range(steps)], axis=1)
    visibility = np.full((1, steps, HEIGHT, WIDTH, 1), visible, np.float32)
    frames = np.full((1, steps, HEIGHT, WIDTH, 3), shown, np.uint8)
    return flow.astype(np.float32), visibility, frames, np.full((1, steps, HEIGHT, WIDTH), label, np.uint8)


def test_whole_pixels_move_without_loss_and_the_border_is_repeated():
    frames, label_maps = TracedVideo(PICTURE, LABELS).add(*_moved(0, 1, steps=3))
    for step in range(3):
        columns = np.maximum(np.arange(WIDTH) - step - 1, 0)
        np.testing.assert_array_equal(frames[:, step], PICTURE[:, :, columns])
        np.testing.assert_array_equal(label_maps[:, step], LABELS[:, :, columns])


def test_half_a_pixel_twice_is_a_whole_one():
    """Resampled twice it would be a mean of four pixels."""
    video = TracedVideo(PICTURE, LABELS)
    between, _ = video.add(*_moved(0.5, 0.5))
    frames, label_maps = video.add(*_moved(0.5, 0.5))
    # The first row and column have moved by less: outside, the border is repeated.
    np.testing.assert_array_equal(frames[0, 0, 2:, 2:], PICTURE[0, 1:-1, 1:-1])
    np.testing.assert_array_equal(label_maps[0, 0, 2:, 2:], LABELS[0, 1:-1, 1:-1])
    # Halfway, along each axis -1, 9, 9 and -1 sixteenths of the four pixels around.
    weights = np.array([-1, 9, 9, -1]) / 16
    expected = np.einsum("y,x,yxc->c", weights, weights, PICTURE[0, 1:5, 4:8].astype(float))
    np.testing.assert_allclose(between[0, 0, 3, 6], np.clip(expected, 0, 255), atol=0.51)


def test_what_is_not_visible_is_shown_as_given_and_traced_from_there_on():
    video = TracedVideo(PICTURE, LABELS)
    flow, visibility, frames, label_maps = _moved(0, 2, shown=77)
    visibility[..., :2, :] = 0.0
    visibility[..., 2, :] = 0.25
    first, labels = video.add(flow, visibility, frames, label_maps)
    np.testing.assert_array_equal(first[0, 0, :, :2], 77)
    np.testing.assert_array_equal(labels[0, 0, :, :3], 9)  # for the most part unseen: the class is the given one
    mixed = np.rint(0.25 * PICTURE[0, :, 0].astype(float) + 0.75 * 77)
    np.testing.assert_array_equal(first[0, 0, :, 2], mixed)
    second, labels = video.add(*_moved(0, 1))
    np.testing.assert_array_equal(second[0, 0, :, 1:3], 77)
    np.testing.assert_array_equal(second[0, 0, :, 3], mixed)
    np.testing.assert_array_equal(second[0, 0, :, 4:], PICTURE[0, :, 1 : WIDTH - 3])
    np.testing.assert_array_equal(labels[0, 0, :, 4:], LABELS[0, :, 1 : WIDTH - 3])


def test_what_has_left_the_picture_is_not_kept():
    """Chunk after chunk the picture moves on by four columns, and what comes in from the left is of one shade each."""
    video, shown = TracedVideo(PICTURE, LABELS), []
    for shade in (50, 100, 150, 200):
        flow, visibility, frames, label_maps = _moved(0, 4, shown=shade, label=shade // 50)
        visibility[..., :4, :] = 0.0
        shown, classes = video.add(flow, visibility, frames, label_maps)
    np.testing.assert_array_equal(shown[0, 0, 0, :, 0], np.repeat([200, 150, 100], 4))
    np.testing.assert_array_equal(classes[0, 0, 0], np.repeat([4, 3, 2], 4))
    assert len(video._frames) == len(video._label_maps) == 3


def test_positions_are_not_mixed_across_an_edge():
    """The right half has moved away by four pixels; then all moves by half a pixel, which falls between the two."""
    video = TracedVideo(PICTURE, LABELS)
    flow, *others = _moved(0, 0)
    flow[..., WIDTH // 2 :, 1] = 4.0
    video.add(flow, *others)
    frames, _ = video.add(*_moved(0, 0.5))
    # Column 6 looks between the columns 5, which shows 5, and 6, which shows 2: it takes 1.5 or 5.5, never 3.5.
    sides = [np.einsum("x,yxc->yc", np.array([-1, 9, 9, -1]) / 16, PICTURE[0, :, at : at + 4]) for at in (0, 4)]
    off = [np.abs(frames[0, 0, :, 6] - np.clip(side, 0, 255)).max() for side in sides]
    assert min(off) <= 0.51, off


def test_each_video_has_sources_of_its_own_and_label_maps_may_be_the_last_alone():
    other = 255 - PICTURE
    video = TracedVideo(np.concatenate([PICTURE, other]), np.concatenate([LABELS, 4 - LABELS]))
    chunks = [np.concatenate(pair) for pair in zip(_moved(0, 1, steps=2), _moved(1, 0, steps=2), strict=True)]
    frames, label_maps = video.add(*chunks[:3], chunks[3][:, -1:])
    assert label_maps.shape == (2, 1, HEIGHT, WIDTH)
    np.testing.assert_array_equal(frames[0, 1, :, 2:], PICTURE[0, :, :-2])
    np.testing.assert_array_equal(frames[1, 1, 2:], other[0, :-2])
    np.testing.assert_array_equal(label_maps[1, 0, 2:], 4 - LABELS[0, :-2])


@pytest.mark.parametrize("chunks", [1, 3, 6])
def test_chunks_of_one_rotation_are_the_rotation_by_all_of_their_angles(chunks):
    """Whole frames turn about their middle by 24 degrees, in so many steps: each frame is the first, sampled once."""
    size, whole = 64, np.deg2rad(24.0)
    y, x = np.meshgrid(*[np.arange(size) - (size - 1) / 2] * 2, indexing="ij")

    def source(angle):
        return np.stack([y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)], axis=-1)

    def seen(place):
        """A picture that is known between its pixels too: waves of 16 pixels down and 12 across."""
        down, across = np.sin(place[..., 0] * 2 * np.pi / 16), np.cos(place[..., 1] * 2 * np.pi / 12)
        return np.rint(127.5 + 50 * np.stack([down, across, down * across], axis=-1))

    place = np.stack([y, x], axis=-1)
    classes = np.add(*(np.float32(place[..., axis] > 0) * (axis + 1) for axis in (0, 1))).astype(np.uint8)
    video = TracedVideo(seen(place)[None].astype(np.uint8), classes[None])
    flow = np.float32(place - source(whole / chunks))[None, None]
    visibility, painted = np.ones((1, 1, size, size, 1), np.float32), np.zeros((1, 1, size, size, 3), np.uint8)
    for _ in range(chunks):
        frames, label_maps = video.add(flow, visibility, painted, np.full((1, 1, size, size), 9, np.uint8))
    inner = np.hypot(y, x) < size / 2 - 4
    there = source(whole)
    assert np.abs(frames[0, 0][inner] - seen(there)[inner]).max() <= 3, "grey levels of 100"
    quadrant = np.float32(there[..., 0] > 0) + 2 * (there[..., 1] > 0)
    clear = inner & (np.abs(there) > 1.0).all(axis=-1)
    np.testing.assert_array_equal(label_maps[0, 0][clear], quadrant[clear])
