"""StartFrameModel: stage 1 as one thing, label map + style -> start frame: the only way frames are generated.

Samples of a training, programs, Seg2Vid and the export all paint through it.
"""

import tensorflow as tf

from seg2vid_tf.annotations.encode import encode_annotation
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.models.seeds import NOISE_STREAM, draw_style
from seg2vid_tf.models.start_frame.generator import StartFrameGenerator
from seg2vid_tf.models.start_frame.style_encoder import StyleEncoder
from seg2vid_tf.ops.noise import per_example_normal


class StartFrameModel:
    """Generator and, where there is one, style encoder, over one annotation spec.

    Args:
      generator: built StartFrameGenerator.
      style_encoder: built StyleEncoder, or None.
      spec: what the label maps' ids mean.

    Attributes:
      uses_instances: whether the generator was trained with the instance boundary, and so needs instance maps.
    """

    def __init__(self, generator: StartFrameGenerator, style_encoder: StyleEncoder | None, spec: AnnotationSpec):
        self.generator = generator
        self.style_encoder = style_encoder
        self.spec = spec
        self.uses_instances = generator.num_channels > spec.num_classes

    def draw_style(self, seed: tf.Tensor) -> tf.Tensor:
        """int64 [B] -> the styles float32 [B,S] that the seeds stand for."""
        return draw_style(seed, self.generator.style_dim, per_example_normal)

    def encode_style(self, frame: tf.Tensor) -> tf.Tensor:
        """Reference frames float32 [B,H,W,3] in [-1,1] -> their styles float32 [B,S].

        Raises:
          ValueError: the model was trained without a style encoder.
        """
        if self.style_encoder is None:
            raise ValueError("this model has no style encoder (it was trained with --nostyle_encoder): draw styles")
        return self.style_encoder({"frame": frame})["mean"]

    def draw_noise(self, seed: tf.Tensor, size) -> tf.Tensor:
        """int64 [B], (H, W) of the picture -> the noise float32 [B,H/n,W/n,N] that the seeds stand for at that size."""
        cells = [side // self.generator.noise_stride for side in size]
        return per_example_normal(seed, tf.stack([*cells, self.generator.noise_channels]), NOISE_STREAM)

    def paint(
        self, label_map: tf.Tensor, style: tf.Tensor, seed: tf.Tensor, instance_map: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Start frames in [-1,1].

        Args:
          label_map: uint8 [B,H,W].
          style: float32 [B,S], or [B,H,W,S] where places differ in style.
          seed: int64 [B], of the noise.
          instance_map: integer [B,H,W], 0 = no instance; given if and only if ``uses_instances``.

        Returns:
          float32 [B,H,W,3].

        Raises:
          ValueError: an instance map is missing, or the model knows none.
        """
        if self.uses_instances != (instance_map is not None):
            needs = "needs an instance map" if self.uses_instances else "was trained without instance maps"
            raise ValueError(f"instance_map: this model {needs}, received {type(instance_map).__name__}")
        annotation = encode_annotation(label_map, self.spec, instance_map)
        noise = self.draw_noise(seed, tf.unstack(tf.shape(label_map)[1:]))
        noise = tf.ensure_shape(noise, [label_map.shape[0], None, None, self.generator.noise_channels])
        return self.generator({"annotation": annotation, "style": style, "noise": noise})["start_frame"]
