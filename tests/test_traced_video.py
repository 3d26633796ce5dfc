"""TracedVideo: pixels of a long video come from the frame that showed them first, by hand-computed motions."""

import numpy as np

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
