"""SegmentationAdversary: how much each pixel counts in its terms, and which way round things are mixed."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.losses.segmentation import class_balance, labelmix_mask
from seg2vid_tf.training.segmentation_adversary import SegmentationAdversary

CLASSES = 9


class PixelwiseDiscriminator:
    """Logits that are linear in each pixel's colour: those of a mixture are the mixture of the logits."""

    matrix = np.random.default_rng(0).normal(size=(3, CLASSES + 1)).astype(np.float32)

    def __call__(self, inputs, training=False):
        return {"logits": tf.einsum("bhwc,ck->bhwk", inputs["frame"], self.matrix)}


@pytest.fixture
def adversary(smallest_start_frame, spec):
    adversary = SegmentationAdversary(smallest_start_frame, spec)
    adversary.discriminator = PixelwiseDiscriminator()
    return adversary


@pytest.fixture
def examples():
    """Two examples, most of whose pixels are of class 0, and their generated frames."""
    rng = np.random.default_rng(1)
    label_map = np.where(rng.random((2, 8, 8)) < 0.8, 0, rng.integers(1, 4, (2, 8, 8)))
    target = tf.one_hot(label_map, CLASSES)
    images = {name: tf.constant(rng.uniform(-1, 1, (2, 8, 8, 3)), tf.float32) for name in ("real", "fake")}
    balanced = target * class_balance(tf.reduce_sum(target, [0, 1, 2]))
    draws = tf.constant(rng.normal(size=(2, CLASSES)), tf.float32)
    return {**images, "target": target, "balanced": balanced, "labelmix_draws": draws}


def mean_of_class_means(frames, target):
    """-log p(class), averaged over each class that occurs, then over these classes."""
    logits = frames.numpy() @ PixelwiseDiscriminator.matrix
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    of_pixel = -(log_p[..., :-1] * target.numpy()).sum(-1)
    ids = target.numpy().argmax(-1)
    return np.mean([of_pixel[ids == k].mean() for k in np.unique(ids)])


def test_every_class_counts_the_same_in_both_networks_terms(adversary, examples, smallest_start_frame):
    generator = adversary.generator_terms(examples, examples["fake"])
    expected = smallest_start_frame.losses.adversarial_weight * mean_of_class_means(
        examples["fake"], examples["target"]
    )
    np.testing.assert_allclose(generator["adversarial"], expected, rtol=1e-4)
    terms = adversary.discriminator_terms(examples, examples["fake"])
    expected = mean_of_class_means(examples["real"], examples["target"])
    np.testing.assert_allclose(terms["discriminator_real"], expected, rtol=1e-4)


def test_logits_are_mixed_as_the_pictures_are(adversary, examples):
    mask = labelmix_mask(examples["target"], examples["labelmix_draws"]).numpy()
    assert 0 < mask.mean() < 1
    terms = adversary.discriminator_terms(examples, examples["fake"])
    np.testing.assert_allclose(terms["labelmix"], 0.0, atol=1e-6)
