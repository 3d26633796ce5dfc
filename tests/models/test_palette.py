"""The palette by hand: colours painted over an annotation, and found in a frame."""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.models.start_frame.class_colors import ClassColors
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.palette import LOUDNESS, Palette


def test_the_last_numbers_of_a_style_are_the_colours_of_the_classes():
    """Class 0 is red as number 1 of the style says, class 1 green and less blue; number 0 is nobody's colour."""
    palette = Palette(2)
    colors = LOUDNESS * np.array([0.4, 0.0, 0.0, 0.0, 0.5, -0.4], np.float32)
    style = tf.constant([[[[9.0, *colors]]]])
    np.testing.assert_allclose(palette(style)[0, 0, 0], [[0.4, 0, 0], [0, 0.5, -0.4]], atol=1e-6)
    assert not palette.trainable_variables
    annotation = tf.constant([[[[1.0, 0.0, 7.0], [0.0, 1.0, 7.0]], [[0.5, 0.5, 7.0], [0.0, 0.0, 7.0]]]])
    expected = [[[0.4, 0, 0], [0, 0.5, -0.4]], [[0.2, 0.25, -0.2], [0, 0, 0]]]
    np.testing.assert_allclose(palette.paint(annotation, style), [expected], atol=1e-6)
    other = np.tile(style, [1, 2, 2, 1])
    other[0, 0, 1, 6] *= 2.0
    expected[0][1] = [0, 0.5, -0.8]
    np.testing.assert_allclose(palette.paint(annotation, tf.constant(other)), [expected], atol=1e-6)
    # A map may be one place high.
    row = tf.constant(other[:, :1])
    np.testing.assert_allclose(palette.paint(annotation[:, :1], row), [expected[:1]], atol=1e-6)


def test_a_generator_hears_its_palette_only_once_it_has_learned_to():
    keras.utils.set_random_seed(0)
    generator = StartFrameGenerator(2, 9, 1, noise_stride=1, filters=(4, 4), spade_filters=3, colored_classes=2)
    rng = np.random.default_rng(0)
    inputs = {
        "annotation": tf.one_hot(rng.integers(0, 2, (1, 4, 8)), 2),
        "style": tf.constant(rng.normal(size=(1, 9)), tf.float32),
        "noise": tf.constant(rng.normal(size=(1, 4, 8, 1)), tf.float32),
    }
    before = generator(inputs)["start_frame"].numpy()
    style = inputs["style"].numpy()
    colors = np.array([[0.3, 0.2, 0.1], [-0.1, -0.2, -0.3]], np.float32)
    style[:, 3:] = LOUDNESS * colors.reshape(6)
    inputs["style"] = tf.constant(style)
    np.testing.assert_array_equal(generator(inputs)["start_frame"], before)
    # Straight to the picture: what is added to each pixel before its tanh is its class's colour.
    generator.shade.kernel.assign(np.eye(3)[None, None])
    added = inputs["annotation"].numpy() @ colors
    np.testing.assert_allclose(generator(inputs)["start_frame"], np.tanh(np.arctanh(before) + added), atol=1e-4)
    assert {id(v) for v in generator.palette_variables} < {id(v) for v in raw_variables(generator)}


def test_colours_are_pooled_where_the_classes_are():
    """Of two classes, of which each place is 0.25 and 0.75."""
    layer = ClassColors(2)
    frame = np.zeros([1, 16, 24, 3], np.float32)
    frame[:, :8] = [0.8, 0.4, -0.4]
    features = layer.pool(tf.constant(frame), tf.tile(tf.math.log([[[[1.0, 3.0]]]]), [1, 4, 6, 1]))
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
            logits = layer(frame, tf.zeros([4, 1]))["class_logits"]
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
        variables = [v for part in (*layer.down, *layer.up, layer.logits) for v in part.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    rng = np.random.default_rng(0)
    for _ in range(30):
        frame, sides, *_ = frames(rng, 4)
        step(frame, tf.one_hot(1 - sides[:, ::4, ::4].astype(np.int32), 2))
    frame, _, red, grey = frames(rng, 8)
    logits = layer(frame, tf.zeros([8, 1]))["class_logits"]
    assert logits.shape == (8, 8, 8, 2)
    colors = layer.pool(frame, logits)[:, :6].numpy().reshape(8, 2, 3) / LOUDNESS
    np.testing.assert_allclose(colors[:, 0, 0], red, atol=0.1)
    np.testing.assert_allclose(colors[:, 1, 1], grey, atol=0.15)
