"""StyleDistribution: where the styles of real pictures lie while stage 1 trains.

The encoder's styles are far from N(0, I) unless the KL weight silences them. Styles drawn from there would be none
that any picture has, and a generator taught with them learns to paint what it is never asked for. So the Gaussian of
the styles of recent batches is followed, and drawn styles come from it. A finished run has it written into its weights
(models/start_frame/style_standardisation.py); N(0, I) is the styles' distribution from then on.
"""

import tensorflow as tf

from seg2vid_tf.models.start_frame.style_standardisation import MIN_VARIANCE
from seg2vid_tf.training.moving_average import moving_decay, update_variables
from seg2vid_tf.training.replicas import num_replicas, summed_over_replicas

# About 300 batches: enough pictures for a covariance of some dozens of numbers, few enough to follow the encoder.
DECAY = 0.997


class StyleDistribution(tf.Module):
    """A Gaussian that follows the encoded styles. Build it under the strategy's scope.

    Args:
      style_dim: S, numbers of a style.
      standardised: whether styles are N(0, I) from the start, as those of a model without an encoder are.
      spread: how much wider than pictures have them styles are drawn, while they are not standardised: then it is in
        the weights.

    Attributes:
      standardised: int64 scalar variable, 1 where the averaged networks' styles are N(0, I).
    """

    def __init__(self, style_dim: int, standardised: bool = False, spread: float = 1.0):
        super().__init__()
        self._spread = spread
        self.standardised = tf.Variable(int(standardised), dtype=tf.int64, trainable=False)
        self.mean = tf.Variable(tf.zeros([style_dim]), trainable=False)
        self.second_moment = tf.Variable(tf.eye(style_dim), trainable=False)

    def update(self, means: tf.Tensor, log_variances: tf.Tensor, step: tf.Tensor) -> None:
        """One update, from inside a replica's step.

        Args:
          means, log_variances: float [b,S], the encoder's of this replica's pictures.
          step: int64 scalar, steps taken before.
        """
        means, variances = tf.cast(means, tf.float32), tf.exp(tf.cast(log_variances, tf.float32))
        second = tf.einsum("bi,bj->bij", means, means) + tf.linalg.diag(variances)
        moments = [tf.reduce_mean(means, axis=0), tf.reduce_mean(second, axis=0)]
        if num_replicas() > 1:
            moments = [summed_over_replicas(value) / num_replicas() for value in moments]
        update_variables([self.mean, self.second_moment], moments, moving_decay(DECAY, step))

    def to_styles(self, standard: tf.Tensor) -> tf.Tensor:
        """Draws float32 [B,S] from N(0, I) -> styles float32 [B,S], as pictures have them or ``spread`` as wide."""
        covariance = self.second_moment - self.mean[:, None] * self.mean[None]
        # Rounding leaves a covariance of few pictures a little below 0.
        factor = tf.linalg.cholesky(covariance + MIN_VARIANCE * tf.eye(self.mean.shape[0]))
        placed = self.mean + tf.matmul(self._spread * standard, factor, transpose_b=True)
        return tf.where(self.standardised > 0, standard, placed)
