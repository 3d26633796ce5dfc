"""Moves the style's coordinates so that the styles of the training pictures have mean 0 and covariance I.

A KL weight that lets the encoder say enough leaves the encoded styles far from N(0, I), and styles drawn from there are
none that any picture has: too bright, too contrasty. So once training is over a Gaussian is fitted to what the encoder
says of the training pictures, s = mean + factor s', and written into the weights: everything that reads or says a style
is linear in it, so generator and encoder stay the functions they are, with s' for s. Seeds then draw styles as pictures
have them. The fit is the ex-post density of Ghosh et al., "From Variational to Deterministic Autoencoders" (ICLR 2020).
"""

import numpy as np

from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.style_encoder import StyleEncoder

# A direction in which the pictures hardly differ keeps this much width, or rounding would decide what it shows.
MIN_VARIANCE = 1e-4


def fit_styles(means: np.ndarray, log_variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian of the styles that posteriors of many pictures say.

    Args:
      means, log_variances: float [N,S], the encoder's of N pictures.

    Returns:
      (mean float64 [S], factor float64 [S,S]): lower triangular, its product with its transpose is the covariance, that
      of the means and the mean of the variances together.

    Raises:
      ValueError: fewer than two pictures.
    """
    if len(means) < 2:
        raise ValueError(f"a covariance needs at least 2 pictures, received {len(means)}")
    means, variances = np.asarray(means, np.float64), np.exp(np.asarray(log_variances, np.float64))
    covariance = np.cov(means, rowvar=False).reshape(means.shape[1], means.shape[1]) + np.diag(variances.mean(axis=0))
    return means.mean(axis=0), np.linalg.cholesky(covariance + MIN_VARIANCE * np.eye(len(covariance)))


def standardise_style(
    generator: StartFrameGenerator, style_encoder: StyleEncoder, mean: np.ndarray, factor: np.ndarray
) -> None:
    """Writes s = mean + factor s' into both networks' weights; ``mean`` and ``factor`` as of ``fit_styles``.

    The encoder's log-variance, which only training reads, becomes that of s' as far as a diagonal can say it: each of
    its numbers is lowered by twice the logarithm of the factor's diagonal.
    """
    for kernel, bias in _readers(generator):
        # Some read the first numbers alone: of a lower triangle those follow from the first ones of s' alone.
        weights = np.array(kernel, np.float64)
        numbers = len(weights)
        bias.assign(np.array(bias, np.float64) + mean[:numbers] @ weights)
        kernel.assign(factor[:numbers, :numbers].T @ weights)
    layers = [style_encoder]
    if style_encoder.num_classes:
        layers.append(style_encoder.class_colors)
    # Features of both, numbers of both: the first numbers follow from the first features alone, in s' too.
    kernel = np.zeros([layers[-1].mean.kernel.shape[0], len(mean)])
    bias = np.concatenate([np.array(layer.mean.bias, np.float64) for layer in layers])
    for layer, numbers in _numbers(layers):
        kernel[: layer.mean.kernel.shape[0], numbers] = np.array(layer.mean.kernel)
    back = np.linalg.inv(factor).T
    kernel, bias, widths = kernel @ back, (bias - mean) @ back, 2.0 * np.log(np.diag(factor))
    for layer, numbers in _numbers(layers):
        layer.mean.kernel.assign(kernel[: layer.mean.kernel.shape[0], numbers])
        layer.mean.bias.assign(bias[numbers])
        layer.log_variance.bias.assign(np.array(layer.log_variance.bias, np.float64) - widths[numbers])


def _numbers(layers):
    """(layer, the slice of a style that it says)."""
    start = 0
    for layer in layers:
        end = start + layer.mean.bias.shape[0]
        yield layer, slice(start, end)
        start = end


def _readers(generator):
    """(kernel [S,F], bias [F]) of all that reads the style; a block adds it to what it reads of the classes."""
    yield generator.layout.kernel, generator.layout.bias
    for block in generator.blocks:
        yield block.reader.style.kernel, block.reader.classes.bias
    if generator.colored_classes:
        yield generator.palette.colors.kernel, generator.palette.colors.bias
