"""z's way into the decoder: any grid, one clip's rows from its own z."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.models.motion.latent_injection import LatentInjection
from tests.tolerance import assert_far_apart, assert_rounded_alike, fan_ins


def test_injection_fills_any_grid_from_the_same_weights():
    injection = LatentInjection(latent_dim=2, num_frames=3, filters=(2, 4))
    z = tf.constant([[1.0, -0.5], [0.0, 2.0]])
    sizes = [tf.constant([2, 4]), tf.constant([5, 3])]
    (velocities, (small, large)), (_, (other, _)) = injection(z, sizes), injection(z, sizes[::-1])
    assert velocities.shape == (2, 3, 16, 32, 2)
    assert small.shape == (6, 2, 4, 2) and large.shape == (6, 5, 3, 4) and other.shape == (6, 5, 3, 2)
    # A factor for each dimension, and a dense layer from the map's 2 channels to 3 frames of 2, another of 4.
    assert sum(int(tf.size(w)) for w in injection.trainable_variables) == 2 + (2 * 6 + 6) + (2 * 12 + 12)
    # Frames are folded into the batch clip by clip: the second clip's rows do not know the first one's z.
    first, second = ({str(i): each[rows] for i, each in enumerate((small, large))} for rows in (slice(3), slice(3, 6)))
    alone = {str(i): each for i, each in enumerate(injection(z[1:], sizes)[1])}
    assert_rounded_alike(alone, second, fan_ins(injection))
    assert_far_apart(first, second, fan_ins(injection))


def test_what_is_finer_than_a_coarse_grid_is_averaged_there():
    """The last of 1024 dimensions is the finest wave of channel 8: a grid of an eighth sees next to nothing of it."""
    injection = LatentInjection(latent_dim=1024, num_frames=1, filters=(1, 1))
    sizes = [tf.constant([2, 4]), tf.constant([16, 32])]
    _, (coarse, fine) = injection(tf.one_hot([1023], 1024), sizes)
    assert np.abs(coarse).max() < 0.1 * np.abs(fine).max()


def test_frames_are_the_clips_own():
    """to_frames says 1, 2, 3 of frames 1, 2, 3, whatever z is: each clip gets them in this order."""
    injection = LatentInjection(latent_dim=2, num_frames=3, filters=(1,))
    injection(tf.zeros([1, 2]), [tf.constant([2, 2])])
    injection.to_frames[0].kernel.assign(tf.zeros([2, 3]))
    injection.to_frames[0].bias.assign([1.0, 2.0, 3.0])
    _, (found,) = injection(tf.ones([2, 2]), [tf.constant([2, 2])])
    np.testing.assert_array_equal(found[:, 0, 0, 0], [1, 2, 3, 1, 2, 3])
