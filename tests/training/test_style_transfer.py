"""A toy problem, really trained: the style of one picture on the layout of another keeps the layout.

Class 0 is dark and class 1 bright, and each whole picture is tinted warm or cool, as no label map says.
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec, LabelClass
from seg2vid_tf.config import (
    StartFrameConfig,
    StartFrameLossConfig,
    StartFrameModelConfig,
    StartFrameTrainingConfig,
)
from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer

SPEC = AnnotationSpec(
    "toy", (LabelClass(0, "dark", (0, 0, 0), False), LabelClass(1, "bright", (255, 255, 255), True)), 255, {}
)
HEIGHT, WIDTH, STEPS, BATCH = 16, 32, 160, 8
# Red against blue; of mean 0, so that a pixel's brightness is its class's alone.
TINT = np.array([0.55, 0.0, -0.55], np.float32)


def pictures(rng, warmth):
    """uint8 [B,H,W] of two bright rectangles each, and their frames float32 [B,H,W,3]; warmth [B] in -1..1."""
    label_maps = np.zeros((len(warmth), HEIGHT, WIDTH), np.uint8)
    for label_map in label_maps:
        for _ in range(2):
            top, left = rng.integers(0, HEIGHT - 4), rng.integers(0, WIDTH - 8)
            label_map[top : top + rng.integers(4, 10), left : left + rng.integers(6, 16)] = 1
    frames = np.where(label_maps[..., None] == 1, 0.5, -0.5) + warmth[:, None, None, None] * TINT
    return label_maps, frames.astype(np.float32)


def train(seed):
    keras.utils.set_random_seed(seed)
    model = StartFrameModelConfig(
        height=HEIGHT,
        width=WIDTH,
        style_dim=16,
        noise_channels=1,
        noise_stride=4,
        generator_filters=(16, 16, 8),
        spade_filters=16,
        style_encoder_filters=(16, 32),
        segmentation_filters=(8, 8),
    )
    training = StartFrameTrainingConfig(
        batch_size=BATCH, learning_rate=3e-3, discriminator_learning_rate=1e-3, ema_decay=0.9, seed=seed
    )
    trainer = StartFrameTrainer(StartFrameConfig(model, StartFrameLossConfig(l1_weight=20.0), training), SPEC)
    train_step = tf.function(trainer.train_step)
    rng = np.random.default_rng(seed)
    for step in range(STEPS):
        label_maps, frames = pictures(rng, rng.uniform(-1, 1, BATCH))
        batch = {"frames": tf.constant(frames[:, None]), "label_maps": tf.constant(label_maps[:, None])}
        train_step(batch, tf.constant(step, tf.int64))
    return trainer.start_frame_model


def test_the_style_of_one_picture_on_the_layout_of_another():
    start_frame_model = train(seed=0)
    warmth = np.repeat([-0.8, 0.8], 4)
    label_maps, frames = pictures(np.random.default_rng(1000), warmth)
    # Every cool layout is painted in a warm picture's style, and the other way round.
    styles = tf.roll(start_frame_model.encode_style(tf.constant(frames)), 4, axis=0)
    painted = start_frame_model.paint(tf.constant(label_maps), styles, tf.range(8, dtype=tf.int64)).numpy()
    kept = ((painted.mean(axis=-1) > 0) == (label_maps == 1)).mean(axis=(1, 2))
    assert kept.min() > 0.95, kept
    tint = (painted - painted.mean(axis=-1, keepdims=True)).mean(axis=(1, 2))
    to_reference = np.linalg.norm(tint + warmth[:, None] * TINT, axis=-1)
    to_layout = np.linalg.norm(tint - warmth[:, None] * TINT, axis=-1)
    assert (to_reference < 0.5 * to_layout).all(), (to_reference, to_layout)
