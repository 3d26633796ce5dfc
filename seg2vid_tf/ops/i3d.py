"""I3D on RGB clips, the network of the Frechet video distance, built from its weights.

Source: Carreira and Zisserman, "Quo Vadis, Action Recognition?" (CVPR 2017), figure 3: Inception-v1 whose convolutions
and poolings also run through time. The weights' names are those of its Flax form, as
``params|Mixed_3b|Branch_0/Conv3d_0a_1x1|Conv_0|kernel``.
"""

import os

import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.npz_file import read_arrays

SIZE = (224, 224)
# Time is halved three times, and the last pooling takes two of what is left.
SHORTEST = 9
_EPSILON = 1e-3


class I3D(tf.Module):
    """Clips -> the logits of 400 actions, which are FVD's features.

    Args:
      path: an ``.npz`` file of the weights.

    Raises:
      ValueError: it cannot be read, or an array is missing; it names the first one.
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__(name="i3d")
        try:
            self._arrays = read_arrays(path)
        except ValueError as error:
            raise ValueError(f"{path} cannot be read as I3D's weights: {error}") from error
        self._path = path

    def __call__(self, clips: tf.Tensor) -> tf.Tensor:
        """Runs the network.

        Args:
          clips: float32 [N,T,224,224,3] in [-1,1], T at least 9.

        Returns:
          float32 [N,400], the logits' mean over time.
        """
        x = self._unit(clips, "Conv3d_1a_7x7", stride=2)
        x = _max_pool(x, (1, 3, 3), (1, 2, 2))
        x = self._unit(x, "Conv3d_2b_1x1")
        x = self._unit(x, "Conv3d_2c_3x3")
        x = _max_pool(x, (1, 3, 3), (1, 2, 2))
        for stage, blocks, pooled in ((3, "bc", (3, 3, 3)), (4, "bcdef", (2, 2, 2)), (5, "bc", None)):
            for block in blocks:
                x = self._mixed(x, f"Mixed_{stage}{block}")
            if pooled:
                x = _max_pool(x, pooled, (2, 2, 2))
        x = tf.nn.avg_pool3d(x, [1, 2, 7, 7, 1], 1, "VALID")
        logits = tf.nn.conv3d(x, self._array("params|Logits/Conv3d_0c_1x1|Conv_0|kernel"), [1] * 5, "VALID")
        logits += self._array("params|Logits/Conv3d_0c_1x1|Conv_0|bias")
        return tf.reduce_mean(logits, axis=[1, 2, 3])

    def _mixed(self, x, name):
        """An Inception block: four branches, side by side."""
        reduced = [self._unit(x, f"{name}|Branch_{i}/Conv3d_0a_1x1") for i in range(3)]
        wide = [self._unit(reduced[i], f"{name}|Branch_{i}/Conv3d_0b_3x3") for i in (1, 2)]
        pooled = self._unit(_max_pool(x, (3, 3, 3), (1, 1, 1)), f"{name}|Branch_3/Conv3d_0b_1x1")
        return tf.concat([reduced[0], *wide, pooled], axis=-1)

    def _unit(self, x, name, stride=1):
        """Convolution, batch normalisation by what training saw, without a scale, and ReLU."""
        kernel = self._array(f"params|{name}|Conv_0|kernel")
        mean, variance = (self._array(f"batch_stats|{name}|BatchNorm_0|{part}") for part in ("mean", "var"))
        factor = tf.math.rsqrt(variance + _EPSILON)
        offset = self._array(f"params|{name}|BatchNorm_0|bias") - mean * factor
        return tf.nn.relu(tf.nn.conv3d(x, kernel * factor, [1, stride, stride, stride, 1], "SAME") + offset)

    def _array(self, name):
        if name not in self._arrays:
            raise ValueError(f"{self._path} holds no I3D: it lacks {name!r}, and has {len(self._arrays)} other arrays")
        array = np.asarray(self._arrays[name], np.float32)
        # Statistics are stored with the axes that they are broadcast along.
        return tf.constant(array if "kernel" in name else array.reshape(-1))


def _max_pool(x, window, strides):
    return tf.nn.max_pool3d(x, [1, *window, 1], [1, *strides, 1], "SAME")
