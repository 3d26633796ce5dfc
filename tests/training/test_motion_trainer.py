"""MotionTrainer: it learns a shift from zero, its terms add up to what is optimised, and its pictures."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.models.build import set_precision
from seg2vid_tf.training import motion_trainer
from seg2vid_tf.training.motion_trainer import MotionTrainer
from tests.settings import needs_bfloat16


def shifted_clip(height, width, shifts, seed=0):
    """Frames float32 [1,T+1,H,W,3]: a smooth random picture that moves by (dy, dx) = shifts[t] pixels from frame 0."""
    noise = tf.random.stateless_uniform([1, height // 4 + 6, width // 4 + 6, 3], [seed, 1], -1.0, 1.0)
    canvas = tf.image.resize(noise, [height + 24, width + 24], "bicubic")[0]
    canvas = tf.clip_by_value(canvas, -1.0, 1.0)
    # frame_t(p) = frame_0(p - shift)
    return tf.stack([canvas[12 - dy : 12 - dy + height, 12 - dx : 12 - dx + width] for dy, dx in shifts])[None]


def without_latent(trainer):
    """The trainer, whose decoder hears nothing of z: it starts at zero flow and not at what was measured."""
    for injection in trainer.motion.decoder.injections:
        injection.scale.factors.assign(tf.zeros(injection.scale.factors.shape))
    return trainer


def test_the_motion_of_a_repeated_clip_is_learned_from_zero_flow(smallest_motion, with_training, spec):
    keras.utils.set_random_seed(0)
    config = with_training(smallest_motion, learning_rate=3e-3, steps=100)
    # Only motion can explain the clip: nothing is painted and nothing is hidden for free.
    losses = dataclasses.replace(
        config.losses, refined_l1_weight=0.0, photometric_weight=0.0, visibility_weight=5.0, smoothness_weight=0.0
    )
    trainer = without_latent(MotionTrainer(dataclasses.replace(config, losses=losses), spec))
    frames = shifted_clip(32, 32, [(0, 0), (1, -1), (2, -2)])
    batch = {"frames": frames, "label_maps": tf.zeros([1, 3, 32, 32], tf.uint8)}
    step = tf.function(trainer.train_step)
    history = [float(step(batch, tf.constant(k, tf.int64))["warped_l1"]) for k in range(100)]
    assert history[-1] < 0.3 * history[0]
    annotation = tf.one_hot(tf.zeros([1, 32, 32], tf.int32), spec.num_classes)
    outputs = trainer.motion({"frames": frames, "annotation": annotation, "noise": tf.zeros([1, 5])})
    # The picture moves by (2, -2) until frame 2, away from the borders both flows must say so.
    for name in ("flow", "flow_backward"):
        median = np.median(outputs[name][0, 1, 4:-4, 4:-4], axis=(0, 1))
        np.testing.assert_allclose(median, [2.0, -2.0], atol=0.5, err_msg=name)


@pytest.fixture(scope="module")
def batch(smallest_motion):
    size = smallest_motion.model.height, smallest_motion.model.width
    label_maps = np.random.default_rng(0).integers(0, 9, (2, 3, *size)).astype(np.uint8)
    frames = tf.concat([shifted_clip(*size, [(0, 0), (1, 0), (2, 0)], seed=s) for s in (1, 2)], 0)
    return {"frames": frames, "label_maps": tf.constant(label_maps)}


def test_the_motions_of_the_streams_first_clips_are_remembered(smallest_motion, with_training, spec, batch):
    config = with_training(smallest_motion, steps=1)
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, memory=3))
    trainer = MotionTrainer(config, spec)
    swapped = {name: value[::-1] for name, value in batch.items()}
    trainer.fit_sampling_prior(lambda start: iter([batch, swapped]) if start == 0 else None)
    annotation = tf.one_hot(batch["label_maps"][:, 0], spec.num_classes)
    expected = trainer.motion.encode(batch["frames"], annotation).mean().numpy()
    np.testing.assert_allclose(np.asarray(trainer.motion.memory.motions), expected[[0, 1, 1]], atol=1e-5)
    recalled = trainer.motion.motion_of_draw(annotation, tf.zeros([2, 5]))
    np.testing.assert_allclose(recalled, expected, atol=1e-5, err_msg="each clip's own is the likest")
    trainer.motion.reset_sampling_prior()
    np.testing.assert_array_equal(trainer.motion.motion_of_draw(annotation, tf.ones([2, 5])), np.ones([2, 5]))


def test_the_prior_is_fitted_to_the_streams_first_clips(smallest_motion, with_model, spec, batch, monkeypatch):
    monkeypatch.setattr(motion_trainer, "PRIOR_CLIPS", 3)
    trainer = MotionTrainer(with_model(smallest_motion, prior_rank=2), spec)
    annotation = tf.one_hot(batch["label_maps"][:, 0], spec.num_classes)
    np.testing.assert_array_equal(trainer.motion.motion_of_draw(annotation, tf.ones([2, 5])), np.ones([2, 5]))
    swapped = {name: value[::-1] for name, value in batch.items()}
    trainer.fit_sampling_prior(lambda start: iter([batch, swapped]) if start == 0 else None)
    means = trainer.motion.encode(batch["frames"], annotation).mean().numpy()[[0, 1, 1]]
    np.testing.assert_allclose(
        trainer.motion.motion_of_draw(annotation, tf.zeros([2, 5]))[0], means.mean(axis=0), atol=1e-5
    )
    along, apart = np.asarray(trainer.motion.aggregated.directions)[:, 0], means[1] - means[0]
    np.testing.assert_allclose(np.abs(along @ apart), np.linalg.norm(apart), rtol=1e-4)


@pytest.mark.parametrize(
    "left_out",
    [
        {},
        {"annotated": False, "foreground_latent": 0},
        {"foreground_latent": 0},
        {"visible": False},
        {"refined": False},
    ],
)
def test_one_step_moves_every_part_that_has_a_gradient(smallest_motion, with_model, spec, batch, left_out):
    trainer = MotionTrainer(with_model(smallest_motion, **left_out), spec)
    before = [v.numpy() for v in trainer.motion.trainable_variables]
    for k in range(2):  # zero heads pass no gradient on: they move first, all that lies before them after that
        terms = trainer.train_step(batch, tf.constant(k, tf.int64))
    assert set(terms) == {
        *("refined_l1", "warped_l1", "photometric", "smoothness", "cycle", "visibility", "kl", "gradient_norm"),
        *(("structure",) if "visible" in left_out else ("visibility_consistency", "structure")),
    }
    assert all(np.isfinite(v) and v.shape == () for v in terms.values())
    for old, new in zip(before, trainer.motion.trainable_variables, strict=True):
        assert np.abs(old - new.numpy()).max() > 0.0, getattr(new, "path", new.name)


def test_jitter_moves_what_is_learned_from_and_ends_with_the_run(smallest_motion, with_training, spec, batch):
    """A fresh model shows frame 0: its loss is how far the later frames are from it, and bent ones are farther."""
    losses = []
    for jitter, step in ((0.0, 0), (8.0, 0), (8.0, 0), (8.0, 4)):
        trainer = without_latent(MotionTrainer(with_training(smallest_motion, jitter=jitter, steps=4, seed=1), spec))
        losses.append(float(trainer.train_step(batch, tf.constant(step, tf.int64))["warped_l1"]))
    still, bent, again, at_the_end = losses
    assert bent > 1.2 * still and bent == again
    np.testing.assert_allclose(at_the_end, still, rtol=1e-5)


def test_exact_motion_teaches_where_a_weight_asks_for_it(smallest_motion, spec, batch):
    exact = {
        "flow": tf.ones([2, 2, 16, 32, 2]),
        "flow_backward": tf.ones([2, 2, 16, 32, 2]),
        "visibility": tf.ones([2, 2, 16, 32, 1]),
        "visibility_backward": tf.zeros([2, 2, 16, 32, 1]),
    }
    weights = dataclasses.replace(smallest_motion.losses, flow_weight=3.0, occlusion_weight=2.0)
    trainer = without_latent(MotionTrainer(dataclasses.replace(smallest_motion, losses=weights), spec))
    far = tf.constant([0.0, 20.0]) * tf.ones([2, 2, 16, 8, 2])
    exact["flow"] = tf.concat([far, exact["flow"][..., 8:, :]], axis=-2)
    exact["flow_backward"] = tf.concat([exact["flow_backward"][..., :-8, :], far], axis=-2)
    terms = trainer.train_step({**batch, **exact}, tf.constant(0, tf.int64))
    # What came from beyond the left border, and what goes beyond the right one, does not count.
    # It starts at zero flow and visibility 0.88; in frame 0 no pixel is visible, and they count all the same.
    np.testing.assert_allclose(terms["flow"], 3 * 2 * np.sqrt(2), atol=0.02)
    seen = 1 / (1 + np.exp(-2.0))
    pixels = 2 * 16 * 32  # none of them occluded in one direction, all in the other
    overlaps = 1 / (pixels * (1 - seen) + 1), (2 * pixels * (1 - seen) + 1) / (pixels * (2 - seen) + 1)
    expected = 2 * (2 - sum(overlaps) - np.log(seen) - np.log(1 - seen))
    np.testing.assert_allclose(terms["occlusion"], expected, rtol=1e-4)


def test_weights_of_the_losses_scale_their_terms(smallest_motion, spec, batch):
    names = ("refined_l1", "warped_l1", "photometric", "visibility", "visibility_consistency", "structure", "kl")
    terms = []
    for factor in (1.0, 2.0):
        losses = smallest_motion.losses
        scaled = {f"{n}_weight": factor * getattr(losses, f"{n}_weight") for n in names}
        keras.utils.set_random_seed(4)
        trainer = MotionTrainer(
            dataclasses.replace(smallest_motion, losses=dataclasses.replace(losses, **scaled)), spec
        )
        terms.append(trainer.train_step(batch, tf.constant(0, tf.int64)))
    for name in names:
        np.testing.assert_allclose(terms[1][name], 2 * terms[0][name], rtol=1e-4, err_msg=name)


@needs_bfloat16
def test_a_step_in_mixed_precision_is_close_to_one_in_float32(smallest_motion, spec, batch):
    terms = []
    for precision in ("float32", "mixed_bfloat16"):
        set_precision(precision)
        try:
            keras.utils.set_random_seed(0)
            terms.append(MotionTrainer(smallest_motion, spec).train_step(batch, tf.constant(0, tf.int64)))
        finally:
            set_precision("float32")
    for name, value in terms[0].items():
        assert terms[1][name].dtype == tf.float32, name
        np.testing.assert_allclose(terms[1][name], value, rtol=0.05, atol=1e-3, err_msg=name)


def test_samples_show_the_clip_above_its_reconstruction(smallest_motion, spec, batch):
    rows = MotionTrainer(smallest_motion, spec).samples(batch)
    assert len(rows) == 4 and all(len(row) == 3 for row in rows)
    np.testing.assert_array_equal(rows[2][1], batch["frames"][1, 1])
    np.testing.assert_array_equal(rows[3][0], batch["frames"][1, 0])
    assert all(image.shape == (16, 32, 3) for row in rows for image in row)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_a_perceptual_weight_and_its_file_go_together(smallest_motion, with_training, spec, weight):
    path = "" if weight else "features.npz"
    config = dataclasses.replace(
        with_training(smallest_motion, perceptual_path=path),
        losses=dataclasses.replace(smallest_motion.losses, perceptual_weight=weight),
    )
    message = "perceptual_path is missing: perceptual_weight 1.0 read" if weight else f"'{path}': nothing reads it"
    with pytest.raises(ValueError, match=message):
        MotionTrainer(config, spec)
