"""StartFrameGenerator: annotation + style + noise -> start frame.

The annotation, averaged down to the coarsest grid, and the style, laid out over a grid, start a chain of SPADE residual
blocks; each block but the last is followed by a doubling of the size, and every block reads annotation and style at its
own size. No layer's weights depend on the frame's size: any height and width divisible by the stride work.

Two things make one annotation have many appearances, both channels at every place as OASIS's 3-D noise is (Sushko et
al., ICLR 2021). The style sets the appearance; it is the same everywhere where it comes as a vector, and a part of the
picture can take another one than the rest where it comes as a map. The noise is drawn anew at every place of a coarse
grid and enters the blocks up to that grid's size, averaged down to each: inside a large region of one class nothing
else tells one place from the next. Noise at every pixel is no help: the networks then make facades and cars of grain
before they learn windows (experiments/NOTES.md).
Source of the rest: Park et al. (CVPR 2019).
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.compat import raw_variables
from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.start_frame.palette import Palette
from seg2vid_tf.models.start_frame.spade import SpadeResidualBlock
from seg2vid_tf.models.start_frame.style_layout import StyleLayout, is_one_style


class StartFrameGenerator(BuiltByCall, keras.Model):
    """The generator of stage 1.

    Args:
      num_channels: C, channels of the annotation: the spec's classes, and the instance boundary where it is used.
      style_dim: S, dimensions of the style.
      noise_channels: N, channels of the noise.
      noise_stride: n, pixels of the frame that a cell of the noise's grid spans: the stride of one of the blocks.
      filters: channels of the blocks, coarse to fine; the stride is 2 ** (len(filters) - 1).
      spade_filters: channels in which each block reads annotation, style and noise.
      fine_spade_filters: the same of the two finest blocks; 0: as many.
      smooth_ids: channels of the annotation whose places take no noise. Noise is for what differs from place to place,
        as a facade's windows do; left alone, training stains roads with it and gives skies seams, which the
        discriminator minds less than whoever looks at them.
      colored_classes: K, classes whose colours the last 3K numbers of the style are (palette.py).
    """

    def __init__(
        self,
        num_channels: int,
        style_dim: int,
        noise_channels: int,
        noise_stride: int,
        filters: tuple[int, ...],
        spade_filters: int,
        fine_spade_filters: int = 0,
        smooth_ids: tuple[int, ...] = (),
        colored_classes: int = 0,
        **kwargs,
    ):
        super().__init__(**{"autocast": False, **kwargs})
        self.layout = StyleLayout(filters[0], name="layout")
        self.stem = keras.layers.Conv2D(filters[0], 3, padding="same", name="stem")
        self.strides = [2**i for i in reversed(range(len(filters)))]
        if noise_stride not in self.strides:
            raise ValueError(
                f"noise_stride must be one of the blocks' strides {list(self.strides)}, received {noise_stride}"
            )
        widths = [filters[0], *filters]
        self.blocks = [
            SpadeResidualBlock(
                widths[i],
                widths[i + 1],
                fine_spade_filters if fine_spade_filters and stride <= 2 else spade_filters,
                noisy=stride >= noise_stride,
                smooth_ids=smooth_ids,
                colored=colored_classes > 0,
                name=f"block_{i}",
            )
            for i, stride in enumerate(self.strides)
        ]
        start_grey = keras.initializers.RandomNormal(stddev=0.02)
        self.to_rgb = keras.layers.Conv2D(
            3, 3, padding="same", kernel_initializer=start_grey, dtype="float32", name="to_rgb"
        )
        if colored_classes:
            self.palette = Palette(colored_classes, name="palette")
            self.shade = keras.layers.Conv2D(
                3, 1, use_bias=False, kernel_initializer="zeros", dtype="float32", name="shade"
            )
        self.num_channels = num_channels
        self.style_dim = style_dim
        self.noise_channels = noise_channels
        self.noise_stride = noise_stride
        self.filters = tuple(filters)
        self.spade_filters = spade_filters
        self.fine_spade_filters = fine_spade_filters
        self.smooth_ids = tuple(smooth_ids)
        self.colored_classes = colored_classes
        self.stride = self.strides[0]

    def get_config(self):
        return {
            "num_channels": self.num_channels,
            "style_dim": self.style_dim,
            "noise_channels": self.noise_channels,
            "noise_stride": self.noise_stride,
            "filters": self.filters,
            "spade_filters": self.spade_filters,
            "fine_spade_filters": self.fine_spade_filters,
            "smooth_ids": self.smooth_ids,
            "colored_classes": self.colored_classes,
        }

    @property
    def palette_variables(self) -> list[tf.Variable]:
        """What ``colored_classes`` adds; its kernels begin as zeros, and all colours as grey."""
        if not self.colored_classes:
            return []
        layers = [self.palette, self.shade, *(block.reader.color for block in self.blocks)]
        return [variable for layer in layers for variable in raw_variables(layer)]

    def call(self, inputs, training=False):
        """One frame per annotation.

        Args:
          inputs: {annotation float32 [B,H,W,C], style float32 [B,S] or [B,H,W,S], noise float32 [B,H/n,W/n,N]}, the
            last two standard normal.

        Returns:
          {start_frame float32 [B,H,W,3] in [-1,1]}.
        """
        annotation, style, noise = inputs["annotation"], inputs["style"], inputs["noise"]
        tf.debugging.assert_equal(
            tf.shape(annotation)[1:3] % self.stride,
            0,
            f"annotation: height and width must be divisible by {self.stride}",
        )
        if style.shape.rank == 2:
            style = style[:, None, None, :]
        painted = colors = None
        if self.colored_classes:  # what is painted is held to the colours that were found, not the other way round
            painted = colors = self.palette.paint(annotation, tf.stop_gradient(style))
        style = style[..., : self.style_dim - 3 * self.colored_classes]
        pyramid = {}
        for stride in reversed(self.strides):
            if stride > 1:
                annotation, style = _halved(annotation), style if is_one_style(style) else _halved(style)
                colors = None if colors is None else _halved(colors)
            if stride > self.noise_stride:
                noise = 2.0 * _halved(noise)  # the mean of four has half their standard deviation
            pyramid[stride] = (annotation, style, noise if stride >= self.noise_stride else None, colors)
        x = self.stem(annotation)
        x += self.layout(style, tf.shape(x)[1:3])
        for stride, block in zip(self.strides, self.blocks, strict=True):
            if stride < self.stride:
                x = tf.cast(tf.image.resize(x, tf.shape(pyramid[stride][0])[1:3]), x.dtype)
            x = block(x, *pyramid[stride])
        frame = self.to_rgb(tf.nn.relu(x))
        if painted is None:
            return {"start_frame": tf.tanh(frame)}
        frame = tf.tanh(frame + self.shade(painted))
        return {"start_frame": self.palette.move(frame, painted, inputs["annotation"])}

    def zero_unseen_classes(self, class_ids) -> None:
        """Makes pixels of these classes look as unlabelled ones do, for good: no picture shows what they are.

        Their weights become 0. Where the annotation never holds a class, no gradient reaches its weights, so training
        leaves them there; random ones would paint noise.
        """
        readers = [block.reader for block in self.blocks]
        strengths = [reader.strength.kernel for reader in readers if reader.noisy]
        for kernel in [self.stem.kernel, *(reader.classes.kernel for reader in readers), *strengths]:
            value = np.array(kernel)
            value[..., list(class_ids), :] = 0.0
            kernel.assign(value)
        if self.colored_classes:
            self.palette.forget(class_ids)


def _halved(x):
    return tf.nn.avg_pool2d(x, 2, 2, "VALID")
