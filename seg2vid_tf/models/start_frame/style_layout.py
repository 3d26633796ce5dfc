"""StyleLayout: the style, read differently at every cell of a fixed grid.

Without it a generator of convolutions could tell top from bottom, and left from right, by its borders' padding alone.
Source: the spatial start that SPADE makes of its noise vector (Park et al., CVPR 2019, appendix A).
"""

import keras
import tensorflow as tf

GRID = (4, 8)


def is_one_style(style: tf.Tensor) -> bool:
    """Whether a style [B,h,w,S] is the same at all places, and so comes as [B,1,1,S]."""
    return style.shape[1] == style.shape[2] == 1


class StyleLayout(keras.layers.Layer):
    """One matrix per cell of the grid from style to features; the grid is resized to any size.

    Args:
      filters: output channels.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters

    def build(self, input_shape):
        outputs = GRID[0] * GRID[1] * self.filters
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], outputs), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(outputs,), initializer="zeros")
        self.built = True

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}

    def call(self, style, size):
        """style [B,h,w,S] or [B,1,1,S], size int32 [2] -> [B,*size,filters]."""
        kernel, bias = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.bias)
        if is_one_style(style):  # a tenth of the time
            layout = tf.matmul(tf.cast(style[:, 0, 0], kernel.dtype), kernel) + bias
            layout = tf.reshape(layout, [-1, *GRID, self.filters])
        else:
            kernel, bias = (tf.reshape(each, [-1, *GRID, self.filters]) for each in (kernel, bias))
            cells = tf.cast(tf.image.resize(style, GRID), kernel.dtype)
            layout = tf.einsum("bhws,shwf->bhwf", cells, kernel) + bias
        return tf.cast(tf.image.resize(layout, size), kernel.dtype)
