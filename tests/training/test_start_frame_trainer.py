"""StartFrameTrainer: what one step changes, whose optimizer changes it, and its pictures."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.models.build import set_precision
from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer


@pytest.fixture(scope="module")
def batch(smallest_start_frame):
    size = smallest_start_frame.model.height, smallest_start_frame.model.width
    rng = np.random.default_rng(0)
    return {
        "frames": tf.constant(rng.uniform(-1, 1, (2, 1, *size, 3)), tf.float32),
        "label_maps": tf.constant(rng.integers(0, 9, (2, 1, *size)), tf.uint8),
    }


def values(owner):
    return [v.numpy() for v in raw_variables(owner)]


def test_one_step_changes_both_networks(smallest_start_frame, spec, batch):
    trainer = StartFrameTrainer(smallest_start_frame, spec)
    before = {name: values(owner) for name, owner in trainer.checkpointed.items()}
    terms = trainer.train_step(batch, tf.constant(0, tf.int64))
    assert {"adversarial", "feature_matching", "discriminator"} <= set(terms)
    assert all(np.isfinite(v) and v.shape == () for v in terms.values())
    for name in ("generator", "discriminator"):
        changed = [(a != b).any() for a, b in zip(before[name], values(trainer.checkpointed[name]), strict=True)]
        # The bias of the logits stays: while all logits are inside the hinge's margins, real and fake pull it equally.
        assert changed.count(False) == (name == "discriminator"), (name, changed)
    for name in ("generator_optimizer", "discriminator_optimizer"):
        assert int(trainer.checkpointed[name].iterations.numpy()) == 1


def test_each_network_has_its_own_learning_rate(smallest_start_frame, with_training, spec, batch):
    config = with_training(smallest_start_frame, learning_rate=0.0, discriminator_learning_rate=1e-2)
    trainer = StartFrameTrainer(config, spec)
    generator, discriminator = values(trainer.generator), values(trainer.discriminator)
    trainer.train_step(batch, tf.constant(0, tf.int64))
    for old, new in zip(generator, values(trainer.generator), strict=True):
        np.testing.assert_array_equal(old, new)
    assert any((old != new).any() for old, new in zip(discriminator, values(trainer.discriminator), strict=True))


def test_the_style_of_a_step_follows_from_seed_and_step(smallest_start_frame, with_training, spec, batch):
    terms = []
    for seed, step in ((0, 0), (0, 0), (0, 1), (1, 0)):
        keras.utils.set_random_seed(7)
        trainer = StartFrameTrainer(with_training(smallest_start_frame, seed=seed), spec)
        terms.append(float(trainer.train_step(batch, tf.constant(step, tf.int64))["feature_matching"]))
    assert terms[0] == terms[1] and len(set(terms)) == 3


def test_a_step_in_mixed_precision_is_close_to_one_in_float32(smallest_start_frame, spec, batch):
    terms = []
    for precision in ("float32", "mixed_bfloat16"):
        set_precision(precision)
        try:
            keras.utils.set_random_seed(0)
            terms.append(StartFrameTrainer(smallest_start_frame, spec).train_step(batch, tf.constant(0, tf.int64)))
        finally:
            set_precision("float32")
    for name, value in terms[0].items():
        assert terms[1][name].dtype == tf.float32, name
        np.testing.assert_allclose(terms[1][name], value, rtol=0.05, atol=5e-3, err_msg=name)


def test_samples_show_two_styles_beside_the_real_frame(smallest_start_frame, spec, batch):
    rows = StartFrameTrainer(smallest_start_frame, spec).samples(batch)
    assert len(rows) == 2 and all(len(row) == 3 for row in rows)
    first, second, real = rows[1]
    np.testing.assert_array_equal(real, batch["frames"][1, 0])
    assert first.shape == (16, 32, 3) and (first.numpy() != second.numpy()).any()


def test_a_perceptual_weight_without_a_file_is_refused(smallest_start_frame, spec):
    losses = dataclasses.replace(smallest_start_frame.losses, perceptual_weight=2.0)
    with pytest.raises(
        ValueError, match="perceptual_weight 2.0 and perceptual_path '' go together: give both or neither"
    ):
        StartFrameTrainer(dataclasses.replace(smallest_start_frame, losses=losses), spec)
