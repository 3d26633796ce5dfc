"""Each published preparation by hand, and against TensorFlow's own operations and a bicubic filter written out."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.ops import published_preprocessing as published
from seg2vid_tf.ops.published_preprocessing import published_preprocessing, split_preprocessing


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), dtype=np.uint8)


def row(*values):
    """One row of grey pixels, uint8 [1,1,W,3]."""
    return np.repeat(np.array(values, np.uint8)[None, None, :, None], 3, axis=3)


def test_resizing_by_hand():
    """TensorFlow 1 samples pixel i of two from four at 0 and 2, of four from two at 0, 0.5, 1 and 1.5, that is 1; pixel
    centres lie at 0.5 and 2.5, and at -0.25 (0), 0.25, 0.75 and 1.25 (1).
    """
    four, two = row(0, 40, 100, 200), row(0, 100)
    cases = {
        published._bilinear_from_corners: ([0, 100], [0, 50, 100, 100]),
        published._bilinear_at_centers: ([20, 150], [0, 25, 75, 100]),
    }
    for resize, (smaller, larger) in cases.items():
        np.testing.assert_allclose(resize(four, (1, 2))[0, 0, :, 1], smaller)
        np.testing.assert_allclose(resize(two, (1, 4))[0, 0, :, 1], larger)


@pytest.mark.parametrize("size", [(37, 53), (11, 90), (64, 64)])
def test_bilinear_sampling_is_tensorflows(size):
    frames = picture(32, 64)  # TensorFlow computes places in float32
    old = tf.raw_ops.ResizeBilinear(images=frames, size=size, align_corners=False, half_pixel_centers=False)
    np.testing.assert_allclose(published._bilinear_from_corners(frames, size), old, atol=0.01)
    new = tf.image.resize(frames, size, "bilinear", antialias=False)
    np.testing.assert_allclose(published._bilinear_at_centers(frames, size), new, atol=0.01)


def cubic_filter(given, wanted):
    """[wanted,given]: Keys' cubic, a = -0.5, as wide as the scale where pixels get fewer, its rows of sum 1."""
    scale = max(given / wanted, 1.0)
    x = np.abs((np.arange(given)[None] + 0.5 - (np.arange(wanted)[:, None] + 0.5) * given / wanted) / scale)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    weights = np.where(x < 1, near, np.where(x < 2, far, 0.0))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("size", [(24, 80), (70, 33)])
def test_bicubic_is_antialiased_in_floats_and_clipped(size):
    frames = picture(48, 64)
    frames[:, :24], frames[:, :24, 32:] = 0, 255  # a sharp edge, at which the filter swings over
    rows, columns = (cubic_filter(given, wanted) for given, wanted in zip((48, 64), size, strict=True))
    expected = np.einsum("ah,nhwc,bw->nabc", rows, frames.astype(float), columns)
    assert expected.min() < 0 and expected.max() > 255
    np.testing.assert_allclose(published._bicubic(frames, size), expected.clip(0, 255), atol=0.01)


def test_what_networks_get():
    white, black = np.full((1, 8, 16, 3), 255, np.uint8), np.zeros((1, 8, 16, 3), np.uint8)
    ends = {
        "fid": (-1.0, 127 / 128),
        "pytorch_fid": (-1.0, 1.0),
        "clean_fid": (-1.0, 127 / 128),
        "fvd16": (-1.0, 1.0),
        "videogpt_fvd10": (-0.5, 0.5),
    }
    for name, (low, high) in ends.items():
        prepare = published_preprocessing(name)
        assert prepare.name == name and prepare.clip_length == {"fvd16": 16, "videogpt_fvd10": 10}.get(name)
        side = 299 if prepare.clip_length is None else 224
        for frames, value in ((black, low), (white, high)):
            made = prepare(frames)
            assert made.shape == (1, side, side, 3) and made.dtype == np.float32
            np.testing.assert_allclose(made, value, atol=1e-6)
    clips = picture(8, 16)[None]
    prepare = published_preprocessing("fvd2")
    np.testing.assert_array_equal(prepare(clips), prepare(clips[0])[None])


def test_videogpts_shows_the_middle():
    """128x256 becomes 224x448, of which the columns 112 to 336 stay; of a high picture the rows."""
    wide = published_preprocessing("videogpt_fvd16")
    frames = picture(128, 256)
    scaled = np.asarray(tf.image.resize(frames, (224, 448), antialias=False))
    # TensorFlow computes places in float32.
    np.testing.assert_allclose(wide(frames), scaled[:, :, 112:336] / 255 - 0.5, atol=1e-4)
    # 130 columns become 291.2, so 292; of the 68 that are too many, 34 on each side.
    scaled = np.asarray(tf.image.resize(picture(100, 130), (224, 292), antialias=False))
    np.testing.assert_allclose(wide(picture(100, 130)), scaled[:, :, 34:258] / 255 - 0.5, atol=1e-4)
    high = frames.transpose(0, 2, 1, 3)
    np.testing.assert_allclose(wide(high), wide(frames).transpose(0, 2, 1, 3), atol=1e-5)


def test_flags():
    assert split_preprocessing("nets/inception.tflite") == (None, "nets/inception.tflite")
    assert split_preprocessing("nets/lr=1/inception.tflite") == (None, "nets/lr=1/inception.tflite")
    prepare, path = split_preprocessing("clean_fid=nets/lr=1/inception.tflite")
    assert (prepare.name, path) == ("clean_fid", "nets/lr=1/inception.tflite")
    for wrong in ("kid=a.tflite", "fvd=a", "fvd0=a", "=a"):
        with pytest.raises(
            ValueError, match=r"unknown preprocessing '.*': there are fid, pytorch_fid, clean_fid, fvd<N>"
        ):
            split_preprocessing(wrong)
