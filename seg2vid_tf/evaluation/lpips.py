"""LPIPS 0.1, AlexNet: how different two pictures look (Zhang et al., "The Unreasonable Effectiveness of Deep Features
as a Perceptual Metric", CVPR 2018).

At each place of each of the five ReLU maps, the channels are scaled to unit length; the squared differences are
weighted by the layer's learned ``lin`` weights, averaged over space and summed over the layers. 0 = equal.

Weights are a file: ``.npz`` with conv1_w, conv1_b .. conv5_w, conv5_b (ops/feature_network.py) and lin0 .. lin4, one
float per channel. It is a measure and no loss: where a place has no active channel, the unit length has no gradient.
"""

from collections.abc import Callable

import tensorflow as tf

from seg2vid_tf.ops.feature_network import load_feature_network, read_npz

LIN_KEYS = [f"lin{i}" for i in range(5)]
CONV_KEYS = [f"conv{i}_{part}" for i in range(1, 6) for part in "wb"]
# Below it, AlexNet's second pooling has no window to pool.
MIN_SIDE = 31


def load_lpips(path: str) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Reads the weights of LPIPS 0.1 AlexNet.

    Args:
      path: the ``.npz`` file.

    Returns:
      A function (a, b) -> float32 [N], the distance of each pair; a and b are float [N,H,W,3] RGB in [-1, 1], at least
      31x31. It raises ValueError for other shapes and for integers.

    Raises:
      ValueError: no such file, lin0 .. lin4 or AlexNet's convolutions are missing, or their channels do not fit.
    """
    arrays = read_npz(path)
    missing = [key for key in CONV_KEYS + LIN_KEYS if key not in arrays]
    if missing:
        raise ValueError(
            f"LPIPS weights {str(path)!r}: missing {missing}, found {sorted(arrays)}; give the LPIPS 0.1 AlexNet with "
            "conv1_w, conv1_b .. conv5_b and lin0 .. lin4"
        )
    extract = load_feature_network(path)
    for index, key in enumerate(LIN_KEYS):
        channels = arrays[f"conv{index + 1}_w"].shape[3:]
        if arrays[key].shape != channels:
            raise ValueError(f"LPIPS weights {str(path)!r}: {key} must be {channels}, found {arrays[key].shape}")
    with tf.init_scope():
        lin = [tf.constant(arrays[key], tf.float32) for key in LIN_KEYS]

    def distance(a, b):
        a, b = tf.convert_to_tensor(a), tf.convert_to_tensor(b)
        for name, images in (("a", a), ("b", b)):
            if not images.dtype.is_floating or images.shape.rank != 4 or images.shape[3] != 3:
                raise ValueError(
                    f"LPIPS of {name}: expected float [N,H,W,3] in [-1, 1], received {images.dtype.name} {images.shape}"
                )
        if not a.shape.is_compatible_with(b.shape) or any(s is not None and s < MIN_SIDE for s in a.shape[1:3]):
            raise ValueError(
                f"LPIPS compares images of one size, at least {MIN_SIDE}x{MIN_SIDE}, received {a.shape} and {b.shape}"
            )
        layers = [
            tf.reduce_mean(tf.reduce_sum(tf.square(_unit(x) - _unit(y)) * weights, axis=-1), axis=(1, 2))
            for x, y, weights in zip(extract(a), extract(b), lin, strict=True)
        ]
        return tf.add_n(layers)

    return distance


def _unit(features):
    # The constant is added to the length, not to its square: so are the published numbers made.
    return features / (tf.norm(features, axis=-1, keepdims=True) + 1e-10)
