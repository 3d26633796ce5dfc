"""SSIM against scikit-image, MS-SSIM against the paper's formula written out."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity
from skimage.transform import downscale_local_mean

from seg2vid_tf.evaluation.ssim import MS_SSIM_MIN_SIDE, ms_ssim, ssim


def _pair(height, width, noise, seed=0):
    rng = np.random.default_rng(seed)
    smooth = np.kron(rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3)), np.ones((8, 8, 1)))[:height, :width]
    noisy = np.clip(smooth + rng.normal(0, noise, smooth.shape), 0, 255)
    return smooth.astype(np.uint8), noisy.astype(np.uint8)


def _skimage(a, b, **more):
    return structural_similarity(
        a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=-1, data_range=255, **more
    )


def test_ssim_is_scikit_images():
    pairs = [_pair(40, 64, noise, seed) for seed, noise in enumerate((0, 5, 30, 90))]
    targets, predictions = (np.stack(side)[:, None] for side in zip(*pairs, strict=True))
    found = ssim(targets, predictions)
    assert found.shape == (4, 1) and found[0] == 1.0
    np.testing.assert_allclose(found[:, 0], [_skimage(a, b) for a, b in pairs], atol=2e-4)


def test_ms_ssim_is_the_papers_product_over_scales():
    a, b = _pair(MS_SSIM_MIN_SIDE + 15, 192, 40)
    weights, x, y = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333), a.astype(float), b.astype(float)
    by_channel = np.ones(3)
    for scale, weight in enumerate(weights):
        for channel in range(3):
            by_channel[channel] *= _contrast_or_ssim(x[..., channel], y[..., channel], scale == 4) ** weight
        x, y = (downscale_local_mean(image, (2, 2, 1)) for image in (x, y))
    np.testing.assert_allclose(ms_ssim(a[None], b[None]), [by_channel.mean()], atol=2e-3)
    assert ms_ssim(a, a) == 1.0


def _contrast_or_ssim(x, y, whole):
    """Mean over a picture of contrast times structure, or of SSIM."""
    from scipy.ndimage import gaussian_filter

    def mean(image):
        return gaussian_filter(image, 1.5, truncate=5 / 1.5)[5:-5, 5:-5]

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    contrast = (2 * vxy + c2) / (vx + vy + c2)
    return (contrast * (2 * mx * my + c1) / (mx**2 + my**2 + c1) if whole else contrast).mean()


def test_frames_that_cannot_be_compared_are_refused():
    a = np.zeros((16, 16, 3), np.uint8)
    for measure, x, y, message in (
        (ssim, a, a.astype(np.float32), r"prediction must be uint8 \(16, 16, 3\), received float32"),
        (ssim, a, a[:12], "prediction must be uint8"),
        (ssim, a[:10], a[:10], "at least 11x11"),
        (ms_ssim, a, a, "at least 161x161, received"),
    ):
        with pytest.raises(ValueError, match=message):
            measure(x, y)
