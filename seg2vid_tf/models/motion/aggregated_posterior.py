"""AggregatedPosterior: the Gaussian that training clips' motions have as a whole, which seeds then draw from.

    z = mean + U (widths * U^T n) + noise * (n - U U^T n),      n ~ N(0, I), as a seed draws it

Training holds each clip's posterior against the prior dimension by dimension, so the prior knows how large each is, and
not which go together: drawn from it, straight things bend. The posteriors of many clips, averaged, do know (the
"aggregated posterior": Tomczak and Welling, "VAE with a VampPrior", AISTATS 2018). U are the directions in which their
means vary most, and ``noise`` is what each posterior leaves open and what no direction shows. z is that of
latent_prior.py, N(0, I) given start frame and annotation: so this stays a prior that has seen both.

n = 0 is the mean motion, and n / 2 is half as far from there as n.
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.latent import affine_normal


class AggregatedPosterior(BuiltByCall, keras.layers.Layer):
    """A Gaussian over z; until it is fitted, draws stay what they are.

    Args:
      rank: directions U.
      latent_dim: Z.
    """

    def __init__(self, rank: int, latent_dim: int, **kwargs):
        super().__init__(**{"dtype": "float32", "autocast": False, **kwargs})
        if not 1 <= rank <= latent_dim:
            raise ValueError(f"rank must lie in 1..{latent_dim}, the latent's dimensions, received {rank}")
        self.rank, self.latent_dim = rank, latent_dim
        self.mean = self._kept("mean", [latent_dim])
        self.directions = self._kept("directions", [latent_dim, rank])
        self.widths = self._kept("widths", [rank])
        self.noise = self._kept("noise", [latent_dim])
        self.fitted = self._kept("fitted", [])

    def _kept(self, name, shape):
        return self.add_weight(name=name, shape=shape, dtype="float32", initializer="zeros", trainable=False)

    def get_config(self):
        return {**super().get_config(), "rank": self.rank, "latent_dim": self.latent_dim}

    def fit(self, means: np.ndarray, variances: np.ndarray) -> None:
        """Takes mean and covariance of the posteriors of N clips, the covariance but for ``rank`` directions diagonal.

        Args:
          means, variances: float [N,Z], N at least 2.
        """
        means, variances = np.asarray(means, np.float64), np.mean(variances, axis=0, dtype=np.float64)
        center = means.mean(axis=0)
        _, singular, directions = np.linalg.svd(means - center, full_matrices=False)
        spread = np.square(singular) / (len(means) - 1)
        kept, left = np.split(directions, [self.rank]), np.split(spread, [self.rank])
        # N clips have N - 1 directions at most: any that are missing show nothing.
        missing = self.rank - len(kept[0])
        self.mean.assign(center)
        self.directions.assign(np.pad(kept[0], [[0, missing], [0, 0]]).T)
        self.widths.assign(np.pad(np.sqrt(left[0] + np.square(kept[0]) @ variances), [0, missing]))
        self.noise.assign(np.sqrt(variances + left[1] @ np.square(kept[1])))
        self.fitted.assign(1.0)

    def forget(self) -> None:
        """Makes draws what they are: what was fitted belongs to weights that are about to change."""
        self.fitted.assign(0.0)

    def call(self, drawn: tf.Tensor) -> tf.Tensor:
        """A draw [B,Z] -> the motion that it means, [B,Z]."""
        along = tf.linalg.matmul(drawn, self.directions)
        beside = drawn - tf.linalg.matmul(along, self.directions, transpose_b=True)
        wide = tf.linalg.matmul(along * self.widths, self.directions, transpose_b=True)
        return tf.where(self.fitted > 0.0, self.mean + wide + self.noise * beside, drawn)

    def distribution(self):
        """The TFP distribution of the motions that draws from N(0, I) mean, event [Z]."""
        offset = self(tf.zeros([1, self.latent_dim]))
        return affine_normal(offset[0], tf.transpose(self(tf.eye(self.latent_dim)) - offset))
