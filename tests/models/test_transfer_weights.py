"""A model of more frames starts as the one of fewer: it reads the same motion and goes on with it."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import build_motion
from seg2vid_tf.models.motion.transfer_weights import transfer_weights


def test_the_frames_that_both_predict_move_alike_and_those_after_them_go_on(
    seg2vid, motion_config, spec, make_inputs, copy_model
):
    shorter = copy_model(seg2vid.motion, make_inputs(seg2vid.motion, spec, 1, 32, 64))
    for encoder in (shorter.background_encoder, shorter.foreground_encoder):
        for layer in (encoder.log_variance, encoder.to_map):  # they start at zero
            layer.kernel.assign(tf.random.stateless_normal(layer.kernel.shape, [1, 2], stddev=0.1))
    keras.utils.set_random_seed(3)
    config = dataclasses.replace(motion_config.model, num_frames=4, flow_scale=16.0)
    longer = build_motion(config, spec)
    transfer_weights(shorter, longer)
    inputs = make_inputs(longer, spec, 2, 32, 64)
    frames, annotation = inputs["frames"], inputs["annotation"]
    # What the shorter one does not read counts for nothing yet.
    posterior, expected = longer.encode(frames, annotation), shorter.encode(frames[:, :3], annotation)
    np.testing.assert_allclose(posterior.stddev(), expected.stddev(), rtol=1e-5)
    ours, theirs = (m.background_encoder.to_map.kernel.numpy() for m in (longer, shorter))
    np.testing.assert_array_equal(ours, np.pad(theirs, [(0, 4), (0, 0)]))
    z = tf.random.stateless_normal([2, longer.latent_dim], [0, 1])
    there, here = longer.decode(frames[:, 0], annotation, z), shorter.decode(frames[:, 0], annotation, z)
    # Frame 2 has a neighbour after it now, and hears of it.
    np.testing.assert_allclose(there["flow"][:, 0], here["flow"][:, 0], atol=1e-4)
    assert np.abs(here["flow"][:, 0]).max() > 0.1
    sizes = [tf.constant([2, 4]), tf.constant([4, 8])]
    features, end = (m.decoder.injections[0](z[:, :6], sizes)[1][1] for m in (longer, shorter))
    features, end = tf.reshape(features, [2, 4, -1]), tf.reshape(end, [2, 2, -1])
    for frame in (1, 2, 3):
        np.testing.assert_allclose(features[:, frame], end[:, 1], atol=1e-6)
    assert np.abs(features[:, 0] - features[:, 1]).max() > 0.01


def test_latents_of_other_waves_are_refused(motion_config, spec):
    wide = dataclasses.replace(motion_config.model, background_latent=600)
    shorter, longer = (build_motion(dataclasses.replace(wide, num_frames=n), spec) for n in (2, 4))
    with pytest.raises(ValueError, match="a model of 4 frames cannot start from one of 2: .* 3 and 2 waves along time"):
        transfer_weights(shorter, longer)


def test_limbs_of_more_frames_start_with_all_weights(limb_motion, make_inputs, spec):
    longer = type(limb_motion).from_config({**limb_motion.get_config(), "num_frames": 4})
    inputs = make_inputs(longer, spec, 1, 32, 32)
    longer(inputs)
    transfer_weights(limb_motion, longer)
    z = tf.random.stateless_normal([1, longer.latent_dim], [0, 1])
    steady = tf.concat([z[:, :12], tf.zeros([1, 12])], axis=-1)  # which says where the last frame is, whichever that is
    both = [model.decode(inputs["frames"][:, 0], inputs["annotation"], steady) for model in (limb_motion, longer)]
    np.testing.assert_allclose(both[0]["frames"][:, -1], both[1]["frames"][:, -1], atol=1e-4)
