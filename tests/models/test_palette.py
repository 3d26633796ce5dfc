"""The palette by hand: colours painted over an annotation, and found in a frame."""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.models.start_frame.class_colors import LOUDNESS, ClassColors
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.palette import COLOR_PER_WEIGHT, Palette


def _palette(kernel, bias):
    palette = Palette(2)
    palette(tf.zeros([1, 1, 1, len(kernel)]))
    palette.colors.kernel.assign(np.array(kernel) / COLOR_PER_WEIGHT)
    palette.colors.bias.assign(np.array(bias) / COLOR_PER_WEIGHT)
    return palette


def test_each_place_takes_its_classes_colour_of_its_own_style():
    """Class 0: red as the style's number says. Class 1: always (0, 0.5, 0), and as much less blue."""
    palette = _palette([[1, 0, 0, 0, 0, -1]], [0, 0, 0, 0, 0.5, 0])
    annotation = tf.constant([[[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.0, 0.0]]]])
    expected = [[[0.4, 0, 0], [0, 0.5, -0.4]], [[0.2, 0.25, -0.2], [0, 0, 0]]]
    np.testing.assert_allclose(palette.paint(annotation, tf.fill([1, 1, 1, 1], 0.4)), [expected], atol=1e-6)
    expected[0][1] = [0, 0.5, -0.8]
    as_map = tf.constant([[[[0.4], [0.8]], [[0.4], [0.8]]]])
    np.testing.assert_allclose(palette.paint(annotation, as_map), [expected], atol=1e-6)
    palette.zero_classes([1])
    np.testing.assert_allclose(palette(tf.fill([1, 1, 1, 1], 0.4))[0, 0, 0], [[0.4, 0, 0], [0, 0, 0]], atol=1e-6)


def test_a_generator_hears_its_palette_only_once_it_has_learned_to():
    keras.utils.set_random_seed(0)
    generator = StartFrameGenerator(2, 3, 1, noise_stride=1, filters=(4, 4), spade_filters=3, palette=True)
    rng = np.random.default_rng(0)
    inputs = {
        "annotation": tf.one_hot(rng.integers(0, 2, (1, 4, 8)), 2),
        "style": tf.constant(rng.normal(size=(1, 3)), tf.float32),
        "noise": tf.constant(rng.normal(size=(1, 4, 8, 1)), tf.float32),
    }
    before = generator(inputs)["start_frame"].numpy()
    colors = generator.palette.colors
    colors.bias.assign(np.ones(6))
    np.testing.assert_array_equal(generator(inputs)["start_frame"], before)
    # Straight to the picture: what is added to each pixel before its tanh is its class's colour.
    colors.kernel.assign(np.zeros([3, 6]))
    colors.bias.assign(np.array([0.3, 0.2, 0.1, -0.1, -0.2, -0.3]) / COLOR_PER_WEIGHT)
    generator.shade.kernel.assign(np.eye(3)[None, None])
    added = inputs["annotation"].numpy() @ np.array([[0.3, 0.2, 0.1], [-0.1, -0.2, -0.3]])
    np.testing.assert_allclose(generator(inputs)["start_frame"], np.tanh(np.arctanh(before) + added), atol=1e-4)
    assert {id(v) for v in generator.palette_variables} < {id(v) for v in raw_variables(generator)}


def test_colours_are_pooled_where_the_classes_are():
    """Logits that see nothing but their biases: half the softmax each, of 0.25 and 0.75 by the biases."""
    layer = ClassColors(2)
    frame = np.zeros([1, 16, 24, 3], np.float32)
    frame[:, :8] = [0.8, 0.4, -0.4]
    layer(tf.constant(frame))
    layer.logits.kernel.assign(np.zeros(layer.logits.kernel.shape))
    layer.logits.bias.assign([0.0, np.log(3.0)])
    logits, features = layer(tf.constant(frame))
    assert logits.shape == (1, 4, 6, 2)
    mean = LOUDNESS * np.array([0.4, 0.2, -0.2])
    np.testing.assert_allclose(features[0, :6].numpy().reshape(2, 3), [mean, mean], rtol=5e-3)
    np.testing.assert_allclose(features[0, 6:8], [0.25, 0.75], rtol=1e-5)
    np.testing.assert_allclose(features[0, 8:], [0.001 / 0.251, 0.001 / 0.751], rtol=1e-5)


def test_it_tells_classes_apart_once_it_has_learned_where_they_are():
    """A few steps on frames whose left or right side is red; then each side's colour is found as it is."""
    keras.utils.set_random_seed(0)
    layer, optimizer = ClassColors(2), keras.optimizers.Adam(3e-3)
    left = np.zeros([32, 32], bool)
    left[:, :16] = True

    def frames(rng, count):
        red, grey = rng.uniform(0.3, 0.9, (count, 1, 1)), rng.uniform(-0.5, 0.5, (count, 1, 1))
        sides = np.where(rng.random((count, 1, 1)) < 0.5, left, ~left)
        frame = np.stack([np.where(sides, red, grey), np.where(sides, -1, grey), np.where(sides, -1, grey)], axis=-1)
        return tf.constant(frame, tf.float32), sides, red[:, 0, 0], grey[:, 0, 0]

    @tf.function
    def step(frame, target):
        with tf.GradientTape() as tape:
            logits, _ = layer(frame)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
        variables = layer.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    rng = np.random.default_rng(0)
    for _ in range(30):
        frame, sides, *_ = frames(rng, 4)
        step(frame, tf.one_hot(1 - sides[:, ::4, ::4].astype(np.int32), 2))
    frame, _, red, grey = frames(rng, 8)
    colors = layer(frame)[1][:, :6].numpy().reshape(8, 2, 3) / LOUDNESS
    np.testing.assert_allclose(colors[:, 0, 0], red, atol=0.1)
    np.testing.assert_allclose(colors[:, 1, 1], grey, atol=0.15)
