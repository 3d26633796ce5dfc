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


def test_a_class_is_moved_towards_its_colour_by_its_share_of_the_picture():
    """Class 0 fills half of the picture, class 1 a hundredth of it, and the rest has no class."""
    annotation = np.zeros([1, 20, 10, 3], np.float32)
    annotation[0, :10, :, 0], annotation[0, 10, :2, 1] = 1.0, 1.0
    frame = np.full([1, 20, 10, 3], 0.1, np.float32)
    frame[0, :5], frame[0, 10, 0] = [0.3, 0.1, 0.8], 0.5  # class 0's mean: 0.2, 0.1, 0.45; class 1's: 0.3
    painted = annotation[..., :1] * np.float32([0.4, 0.1, 0.95]) + annotation[..., 1:2] * np.float32(0.9)
    palette = Palette(2)
    palette(tf.zeros([1, 1, 1, 6]))
    moved = palette.move(tf.constant(frame), tf.constant(painted), tf.constant(annotation)).numpy()
    added = 0.8 * 0.5 / 0.52 * np.float32([0.2, 0.0, 0.5])
    np.testing.assert_allclose(moved[0, 7, 3], 0.1 + added, atol=1e-6)
    np.testing.assert_allclose(moved[0, 2, 3], [0.3 + added[0], 0.1, 1.0], atol=1e-6)  # white ends there
    np.testing.assert_allclose(moved[0, 10, :2, 0], np.array([0.5, 0.1]) + 0.8 * 0.01 / 0.03 * 0.6, atol=1e-6)
    np.testing.assert_array_equal(moved[0, 12], frame[0, 12])


def test_each_place_of_a_class_is_moved_to_its_own_colour_and_a_forgotten_class_to_none():
    """Class 0 fills the upper half, grey, of which the left is to be dark and the right bright; class 1 the rest."""
    palette, annotation = Palette(2), np.zeros([1, 4, 4, 2], np.float32)
    palette(tf.zeros([1, 1, 1, 6]))
    annotation[0, :2, :, 0], annotation[0, 2:, :, 1] = 1.0, 1.0
    frame, painted = np.full([1, 4, 4, 3], 0.1, np.float32), np.full([1, 4, 4, 3], -0.5, np.float32)
    painted[:, :, 2:] = 0.5

    def move():
        return palette.move(tf.constant(frame), tf.constant(painted), tf.constant(annotation)).numpy()[0]

    followed = 0.8 * 0.5 / 0.52
    expected = 0.1 + followed * (painted[0] - 0.1)
    np.testing.assert_allclose(move(), expected, atol=1e-6)
    palette.forget([1])
    np.testing.assert_allclose(move()[:2], expected[:2], atol=1e-6)
    np.testing.assert_array_equal(move()[2:], frame[0, 2:])
    # Nor is anything painted for it.
    style = tf.ones([1, 1, 1, 6])
    np.testing.assert_array_equal(palette.paint(tf.constant(annotation), style)[0, 2:], np.zeros([2, 4, 3]))


def test_a_generator_paints_in_its_palette():
    keras.utils.set_random_seed(0)
    generator = StartFrameGenerator(2, 9, 1, noise_stride=1, filters=(4, 4), spade_filters=3, colored_classes=2)
    rng = np.random.default_rng(0)
    annotation = tf.one_hot(rng.integers(0, 2, (1, 4, 8)), 2)
    noise = tf.constant(rng.normal(size=(1, 4, 8, 1)), tf.float32)
    style = rng.normal(size=(1, 9)).astype(np.float32)

    def paint(colors):
        style[:, 3:] = LOUDNESS * np.reshape(colors, 6)
        return generator({"annotation": annotation, "style": tf.constant(style), "noise": noise})["start_frame"]

    grey, colors = np.zeros([2, 3]), np.float32([[0.3, 0.2, 0.1], [-0.1, -0.2, -0.3]])
    before, after = paint(grey), paint(colors)
    shares = tf.reduce_mean(annotation, axis=[0, 1, 2]).numpy()
    # Before anything is learned of it, what moves the classes is all that hears it.
    added = annotation.numpy() @ (colors * (0.8 * shares / (shares + 0.02))[:, None])
    np.testing.assert_allclose(after, before + added, atol=1e-5)
    # And straight to the picture: added to each pixel before its tanh.
    generator.shade.kernel.assign(0.5 * np.eye(3)[None, None])
    assert np.abs(paint(colors) - after).max() > 0.01
    np.testing.assert_array_equal(paint(grey), before)
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
