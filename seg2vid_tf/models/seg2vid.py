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

from seg2vid_tf.annotations.encode import decide_label_map, encode_label_map
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.cvae import MotionCVAE
from seg2vid_tf.models.motion.latent_frequencies import sampling_stddev
from seg2vid_tf.models.seeds import draw
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.start_frame_model import StartFrameModel
from seg2vid_tf.models.start_frame.style_encoder import StyleEncoder
from seg2vid_tf.ops.noise import per_example_normal


class Seg2Vid(BuiltByCall, keras.Model):
    """Start-frame generator and motion CVAE over one annotation spec.

    Args:
      generator: built StartFrameGenerator; None: the model animates given frames alone.
      motion: built MotionCVAE; None: the model paints start frames alone.
      spec: what the label maps' ids mean.
      size: (height, width) that both were trained at.
      style_encoder: built StyleEncoder, or None.
      temperature, smoothness: how widely seeds draw motions (latent_frequencies.sampling_stddev).
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
        self.start_frame_model = None if generator is None else StartFrameModel(generator, style_encoder, spec)
        self.motion = motion
        self.spec = spec
        self.size = tuple(size)
        self.temperature, self.smoothness = temperature, smoothness

    def draw(self, seed):
        """int64 [B] -> what the seeds stand for in this model: style [B,S], S = 0 without stage 1, and z [B,Z]."""
        style_dim = 0 if self.generator is None else self.generator.style_dim
        return draw(seed, style_dim, self.sampling_stddev, per_example_normal)

    @property
    def sampling_stddev(self) -> np.ndarray:
        """How widely seeds draw motions, float32 [Z]."""
        return sampling_stddev(self.motion.latent_sizes, self.motion.num_frames, self.temperature, self.smoothness)

    def motion_of_draw(self, label_map, drawn):
        """The motion [B,Z] that a draw float32 [B,Z] stands for beside label maps uint8 [B,H,W]."""
        if not self.motion.transforms_draws:
            return drawn
        return self.motion.motion_of_draw(encode_label_map(label_map, self.spec), drawn)

    def generate(self, label_map, style, z, seed, instance_map=None):
        """label_map uint8 [B,H,W], style float32 [B,S] or [B,H,W,S], z float32 [B,Z] -> the outputs named above.

        seed int64 [B] is that of the start frame's noise; instance_map int32 [B,H,W] is given if and only if
        ``start_frame_model.uses_instances``.
        """
        start_frame = self.start_frame_model.paint(label_map, style, seed, instance_map)
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
        z = self.motion_of_draw(inputs["label_map"], drawn)
        return self.generate(inputs["label_map"], style, z, inputs["seed"], inputs.get("instance_map"))
