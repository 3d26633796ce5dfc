"""z's way into the decoder: any grid, one clip's rows from its own z."""

import numpy as np
import tensorflow as tf

from seg2vid_tf.models.motion.latent_injection import LatentInjection


def test_injection_fills_any_grid_from_the_same_weights():
    injection = LatentInjection(num_frames=3, filters=2)
    z = tf.constant([[1.0, -0.5], [0.0, 2.0]])
    small, large = injection(z, tf.constant([2, 4])), injection(z, tf.constant([5, 3]))
    assert small.shape == (6, 2, 4, 2) and large.shape == (6, 5, 3, 2)
    assert sum(int(tf.size(w)) for w in injection.trainable_variables) == 3 * (4 * 8 * 3 * 2)
    # Frames are folded into the batch clip by clip: the second clip's rows do not know the first one's z.
    np.testing.assert_allclose(injection(z[1:], tf.constant([2, 4])), small[3:], atol=1e-6)
