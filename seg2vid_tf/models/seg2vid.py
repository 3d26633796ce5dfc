"""Seg2Vid: both stages as one model, and the only inference path of the project.

    generate       label_map + style + z + seed -> start_frame, flow(_backward), visibility(_backward), warped, frames,
                   label_maps: uint8 [B,T,H,W], the annotation warped along and decided anew at every pixel
                   (+ instance_map, where stage 1 was trained with instance boundaries)
    animate        start_frame + label_map + z  -> the same
    encode_motion  frames + label_map           -> the posterior of z

Command line, pipeline, export and server all run these three. A clip is reconstructed by animating its own frame 0 with
its own z, its motion transferred by animating another frame with it, and a video goes on by animating its last frame
with its last label map.
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.encode import decide_label_map, encode_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.cvae import MotionCVAE
from seg2vid_tf.models.motion.latent_map import drawn_stddev
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.painter import StartFramePainter, draw_style
from seg2vid_tf.models.start_frame.style_encoder import StyleEncoder
from seg2vid_tf.ops.noise import per_example_normal

# Which of a seed's independent streams of noise feeds the motion; painter.py has the others. Never renumbered.
MOTION_STREAM = 1
# Chunk k of a longer video walks by stream WALK_STREAM + k.
WALK_STREAM = 1 << 16


def draw(seed: tf.Tensor, style_dim: int, stddev: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """What seeds stand for, each row from its own seed alone.

    Args:
      seed: int64 [B].
      style_dim: S.
      stddev: float32 [Z], how widely z is drawn (latent_map.drawn_stddev).

    Returns:
      float32 style [B,S] ~ N(0, I), z [B,Z] ~ N(0, diag(stddev^2)).
    """
    return draw_style(seed, style_dim), stddev * per_example_normal(seed, [len(stddev)], MOTION_STREAM)


def walk(z: tf.Tensor, seed: tf.Tensor, chunk: int | tf.Tensor, step: float | tf.Tensor, stddev) -> tf.Tensor:
    """The motion of a longer video's chunk, from that of the chunk before.

    z stays as likely as it was drawn: sqrt(1 - step^2) z + step * stddev * noise, noise ~ N(0, I).

    Args:
      z: float32 [B,Z].
      seed: int64 [B], the videos'.
      chunk: from 1.
      step: in [0, 1]; 0 keeps the motion, 1 draws another; float, or float32 [B,1].
      stddev: as in ``draw``.
    """
    noise = per_example_normal(seed, [z.shape[-1]], WALK_STREAM + chunk)
    return (1.0 - step * step) ** 0.5 * z + step * stddev * noise


def walked(z: tf.Tensor, seed: tf.Tensor, chunks: tf.Tensor, step: tf.Tensor, stddev) -> tf.Tensor:
    """The motion of each video's chunk, from that of chunk 0: ``walk`` from one to the next.

    Args:
      z: float32 [B,Z].
      seed: int64 [B].
      chunks: int64 [B], from 0.
      step: float32 [B], in [0, 1].
      stddev: as in ``draw``.
    """

    def on(chunk, z):
        there = walk(z, seed, chunk, step[:, None], stddev)
        return chunk + 1, tf.where((chunk <= chunks)[:, None], there, z)

    last = tf.reduce_max(chunks)
    shapes = tf.TensorShape([]), z.shape
    first = tf.constant(1, tf.int64)
    return tf.while_loop(lambda chunk, _: chunk <= last, on, (first, z), shape_invariants=shapes)[1]


class Seg2Vid(BuiltByCall, keras.Model):
    """Start-frame generator and motion CVAE over one annotation spec.

    Args:
      generator: built StartFrameGenerator; None: the model animates given frames alone.
      motion: built MotionCVAE; None: the model paints start frames alone.
      spec: what the label maps' ids mean.
      size: (height, width) that both were trained at.
      style_encoder: built StyleEncoder, or None.
      temperature, smoothness: how widely seeds draw motions (latent_map.drawn_stddev).
    """

    def __init__(
        self,
        generator: StartFrameGenerator | None,
        motion: MotionCVAE | None,
        spec: AnnotationSpec,
        size: tuple[int, int],
        style_encoder: StyleEncoder | None = None,
        temperature: float = 1.0,
        smoothness: float = 0.0,
        **kwargs,
    ):
        super().__init__(**{"autocast": False, **kwargs})
        self.generator = generator
        self.style_encoder = style_encoder
        self.painter = None if generator is None else StartFramePainter(generator, style_encoder, spec)
        self.motion = motion
        self.spec = spec
        self.size = tuple(size)
        self.temperature, self.smoothness = temperature, smoothness

    def draw(self, seed):
        """int64 [B] -> what the seeds stand for in this model: style [B,S], S = 0 without stage 1, and z [B,Z]."""
        return draw(seed, 0 if self.generator is None else self.generator.style_dim, self.drawn_stddev)

    @property
    def drawn_stddev(self) -> np.ndarray:
        """How widely seeds draw motions, float32 [Z]."""
        return drawn_stddev(self.motion.latent_sizes, self.motion.num_frames, self.temperature, self.smoothness)

    def recall(self, label_map, drawn):
        """The motion that a draw float32 [B,Z] stands for beside label maps uint8 [B,H,W] (motion_memory.py)."""
        return self.motion.recall(encode_label_map(label_map, self.spec), drawn)

    def generate(self, label_map, style, z, seed, instance_map=None):
        """label_map uint8 [B,H,W], style float32 [B,S] or [B,H,W,S], z float32 [B,Z] -> the outputs named above.

        seed int64 [B] is that of the start frame's noise; instance_map int32 [B,H,W] is given if and only if
        ``painter.uses_instances``.
        """
        start_frame = self.painter.paint(label_map, style, seed, instance_map)
        return self.animate(start_frame, label_map, z)

    def animate(self, start_frame, label_map, z):
        """start_frame float32 [B,H,W,3] in [-1,1], label_map uint8 [B,H,W], z [B,Z] -> the outputs named above."""
        outputs = self.motion.decode(start_frame, encode_label_map(label_map, self.spec), z)
        label_maps = decide_label_map(outputs.pop("annotations"), self.spec)
        return {"start_frame": start_frame, "label_maps": label_maps, **outputs}

    def encode_motion(self, frames, label_map):
        """frames float32 [B,T+1,H,W,3] in [-1,1], label_map uint8 [B,H,W] of frame 0 -> the TFP posterior of z."""
        return self.motion.encode(frames, encode_label_map(label_map, self.spec))

    def call(self, inputs, training=False):
        """{label_map uint8 [B,H,W], seed int64 [B](, instance_map)} -> generate's outputs for what the seeds draw."""
        style, drawn = self.draw(inputs["seed"])
        z = self.recall(inputs["label_map"], drawn)
        return self.generate(inputs["label_map"], style, z, inputs["seed"], inputs.get("instance_map"))
