import numpy as np
import pytest

from seg2vid_tf.evaluation.psnr import psnr


def test_hand_computed():
    """An error of 5 everywhere: 10 log10(255^2 / 25) = 34.1514 dB; per frame, not over the clip."""
    target = np.full((2, 4, 6, 3), 100, np.uint8)
    prediction = target.copy()
    prediction[0] += 5
    np.testing.assert_allclose(psnr(target, prediction), [34.15140352, np.inf])


def test_no_wrap_around():
    """uint8 differences must not wrap: 0 against 255 is the largest error, 0 dB."""
    assert psnr(np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 255, np.uint8)) == pytest.approx(0.0)


def test_refusals():
    frames = np.zeros((2, 4, 6, 3), np.uint8)
    with pytest.raises(ValueError, match=r"prediction must be uint8 \(2, 4, 6, 3\), received float64"):
        psnr(frames, frames.astype(float))
    with pytest.raises(ValueError, match=r"received uint8 \(1, 4, 6, 3\)"):
        psnr(frames, frames[:1])
