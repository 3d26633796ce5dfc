"""The video discriminator: it learns to tell clips apart, and motion learns from it."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.training.motion_trainer import MotionTrainer
from seg2vid_tf.training.video_adversary import VideoAdversary


@pytest.fixture(scope="module")
def config(smallest_motion):
    model = dataclasses.replace(smallest_motion.model, video_filters=(4, 8))
    losses = dataclasses.replace(smallest_motion.losses, video_adversarial_weight=0.5)
    return dataclasses.replace(smallest_motion, model=model, losses=losses)


@pytest.fixture(scope="module")
def clips():
    """Real clips stand still; the others are the same frames in a flicker that no single frame shows."""
    still = np.repeat(np.random.default_rng(0).uniform(-0.5, 0.5, (4, 1, 16, 32, 3)), 3, axis=1).astype(np.float32)
    flicker = still * np.array([1, -1, 1], np.float32)[None, :, None, None, None]
    return tf.constant(still), tf.constant(flicker)


def test_it_learns_to_see_what_no_single_frame_shows(config, spec, clips):
    keras.utils.set_random_seed(0)
    training = dataclasses.replace(config.training, discriminator_learning_rate=5e-3, steps=60, decay=0.0)
    adversary = VideoAdversary(dataclasses.replace(config, training=training), spec)
    annotation = tf.one_hot(tf.zeros([4, 16, 32], tf.int32), spec.num_classes)
    step = tf.function(adversary.train_step)
    losses = [float(step(*clips, annotation)) for _ in range(60)]
    assert abs(losses[0] - 2.0) < 0.5 and losses[-1] < 0.5 * losses[0]
    real, fake = (float(adversary.generator_term(c, annotation)) for c in clips)
    assert real < fake, "what looks real costs less"


def test_the_motion_model_is_taught_by_it(config, spec, clips):
    keras.utils.set_random_seed(0)
    none = {f.name: 0.0 for f in dataclasses.fields(config.losses) if f.name.endswith("_weight")}
    alone = dataclasses.replace(config.losses, **{**none, "video_adversarial_weight": 1.0})
    batch = {"frames": clips[1][:2], "label_maps": tf.zeros([2, 3, 16, 32], tf.uint8)}
    trainer = MotionTrainer(dataclasses.replace(config, losses=alone), spec)
    assert set(trainer.checkpointed) == {"motion", "optimizer", "discriminator", "discriminator_optimizer"}
    for name in ("motion", "discriminator"):
        variables = trainer.checkpointed[name].trainable_variables
        before = [v.numpy() for v in variables]
        terms = trainer.train_step(batch, tf.constant(0, tf.int64))
        assert np.isfinite(terms["video_adversarial"]) and np.isfinite(terms["discriminator"])
        assert any((a != v.numpy()).any() for a, v in zip(before, variables, strict=True)), name


def test_without_a_weight_there_is_no_discriminator(smallest_motion, spec):
    assert set(MotionTrainer(smallest_motion, spec).checkpointed) == {"motion", "optimizer"}
