"""Feature maps of a fixed image network whose weights are a file: what perceptual losses and LPIPS compare.

Images are float [N, H, W, 3] RGB in [-1, 1]; every network does its own normalisation. No weights come with the
package and none are downloaded. Three layouts are read, told apart by their keys (weights HWIO, ReLU after every
convolution, the maps after ReLU are the features):

* ``.npz`` conv1_w, conv1_b .. conv5_w, conv5_b: AlexNet as LPIPS 0.1 uses it; five maps.
* ``.npz`` conv1_1_w, conv1_1_b, conv1_2_w, ..: VGG16 with ImageNet mean and standard deviation on [0, 1], as many of
  its convolutions, in order, as the file has; one map each.
* ``.h5`` with the layers block1_conv1 .. block4_conv4: Keras' VGG19 weights without top (BGR minus the ImageNet mean on
  [0, 255]); the twelve maps that the paper compares.

The weights are constants: they enter no checkpoint and no optimizer.
"""

import dataclasses
import math
import pathlib

import h5py
import numpy as np
import tensorflow as tf

from seg2vid_tf.ops.npz_file import read_arrays

# LPIPS' shift and scale on [-1, 1] RGB; torchvision's on [0, 1]; Keras' "caffe" mode on [0, 255], written in RGB order.
LPIPS_MEAN, LPIPS_STD = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (123.68, 116.779, 103.939)
VGG16_LAYERS = [f"conv{block}_{i}" for block, count in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, count + 1)]
VGG19_LAYERS = [f"block{block}_conv{i}" for block, count in enumerate((2, 2, 4, 4), 1) for i in range(1, count + 1)]


@dataclasses.dataclass(frozen=True)
class _Conv:
    """One convolution: weights [kh, kw, in, out], bias [out], stride and padding in pixels, max pooling before it."""

    weights: np.ndarray
    bias: np.ndarray
    stride: int = 1
    padding: int = 1
    pool_before: int = 0


class FeatureNetwork:
    """Images -> feature maps.

    Args:
      mean, std: [3], of the images that it was trained on, in [-1, 1].
      convs: its convolutions.
      dtype: that it computes in.
      scales: how many times the images are enlarged first, bilinearly, once for each: what it was trained on fills a
        picture, and small things in an image are seen as such only then.

    Attributes:
      strides: of the maps, scale by scale, in pixels of the image as it is given: below 1 where a scale is above a
        map's own stride.
    """

    def __init__(
        self,
        mean: np.ndarray,
        std: np.ndarray,
        convs: list[_Conv],
        dtype: str = "float32",
        scales: tuple[int, ...] = (1,),
    ):
        with tf.init_scope():
            self._shift, self._scale = tf.constant(mean, tf.float32), tf.constant(1.0 / std, tf.float32)
            self._kernels = [
                (tf.cast(tf.constant(c.weights, tf.float32), dtype), tf.cast(tf.constant(c.bias, tf.float32), dtype))
                for c in convs
            ]
        self._convs = convs
        self._scales = scales
        steps = [conv.stride * (2 if conv.pool_before else 1) for conv in convs]
        self.strides = tuple(math.prod(steps[: i + 1]) / scale for scale in scales for i in range(len(steps)))

    def __call__(self, images: tf.Tensor) -> list[tf.Tensor]:
        """float [N, H, W, 3] RGB in [-1, 1] -> list of [N, h, w, c] of its dtype; differentiable in the images."""
        images, features = tf.cast(images, tf.float32), []
        for scale in self._scales:
            enlarged = images if scale == 1 else tf.image.resize(images, tf.shape(images)[1:3] * scale)
            features += self._features(enlarged)
        return features

    def _features(self, images):
        x = tf.cast((images - self._shift) * self._scale, self._kernels[0][0].dtype)
        features = []
        for conv, (weights, bias) in zip(self._convs, self._kernels, strict=True):
            if conv.pool_before:
                x = tf.nn.max_pool2d(x, conv.pool_before, 2, "VALID")
            # Padded first: TensorFlow's fast CPU kernels leave out convolutions whose padding is given in numbers.
            pad = [conv.padding, conv.padding]
            x = tf.nn.conv2d(tf.pad(x, [[0, 0], pad, pad, [0, 0]]), weights, conv.stride, "VALID")
            x = tf.nn.relu(tf.nn.bias_add(x, bias))
            features.append(x)
        return features


def load_feature_network(path: str, dtype: str = "float32", scales: tuple[int, ...] = (1,)) -> FeatureNetwork:
    """Reads a weight file (module docstring: the layouts).

    Args:
      path: ``.npz`` or ``.h5`` file.
      dtype: that the network computes in: float32, where its features are measures, or bfloat16, to learn from.
      scales: how many times the images are enlarged first, once for each.

    Raises:
      ValueError: no such file, or not one of the layouts; the message names the path and the keys found.
    """
    file = _existing(path)
    if file.suffix == ".npz":
        mean, std, convs = _npz_network(file)
    elif file.suffix == ".h5":
        mean, std, convs = _read_vgg19(file)
    else:
        raise ValueError(f"feature network weights must be a .npz or .h5 file, received {str(path)!r}")
    return FeatureNetwork(mean, std, convs, dtype, scales)


def read_npz(path: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz file.

    Raises:
      ValueError: no such file, it cannot be read, or holds NaN or infinity; the message names the path.
    """
    file = _existing(path)
    try:
        arrays = read_arrays(file)
    except ValueError as error:
        raise ValueError(f"feature network weights {str(file)!r} cannot be read as .npz: {error}") from error
    broken = [name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
    if broken:
        raise ValueError(f"feature network weights {str(file)!r}: {broken} hold NaN or infinity; get the file again")
    return arrays


def _existing(path):
    file = pathlib.Path(path)
    if not file.is_file():
        raise ValueError(f"feature network weights: no file {str(path)!r}")
    return file


def _npz_network(file):
    arrays = read_npz(file)
    if {f"conv{i}_{part}" for i in range(1, 6) for part in "wb"} <= set(arrays):
        # (stride, padding, pooling before) of AlexNet's five convolutions.
        geometry = [(4, 2, 0), (1, 2, 3), (1, 1, 3), (1, 1, 0), (1, 1, 0)]
        convs = [_Conv(arrays[f"conv{i}_w"], arrays[f"conv{i}_b"], *geometry[i - 1]) for i in range(1, 6)]
        return np.array(LPIPS_MEAN), np.array(LPIPS_STD), _checked(file, convs)
    names = VGG16_LAYERS[: len(arrays) // 2]
    if not names or {f"{name}_{part}" for name in names for part in "wb"} != set(arrays):
        raise ValueError(
            f"feature network weights {str(file)!r}: expected conv1_w, conv1_b .. conv5_b (AlexNet) or conv1_1_w, "
            f"conv1_1_b, conv1_2_w .. without a gap (VGG16), found {sorted(arrays)}"
        )
    convs = [
        _Conv(arrays[f"{name}_w"], arrays[f"{name}_b"], pool_before=2 if name.endswith("_1") and index else 0)
        for index, name in enumerate(names)
    ]
    mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    return 2.0 * mean - 1.0, 2.0 * std, _checked(file, convs)


def _read_vgg19(file):
    convs = []
    try:
        with h5py.File(file, "r") as archive:
            missing = [name for name in VGG19_LAYERS if name not in archive]
            if missing:
                raise ValueError(
                    f"feature network weights {str(file)!r}: expected Keras' VGG19 layers block1_conv1 .. "
                    f"block4_conv4, missing {missing}, found {sorted(archive)}"
                )
            for name in VGG19_LAYERS:
                group = archive[name]
                weights, bias = (np.array(group[key]) for key in group.attrs["weight_names"])
                pool = 2 if name.endswith("conv1") and convs else 0
                convs.append(_Conv(weights, bias, pool_before=pool))
    except (OSError, KeyError) as error:
        raise ValueError(
            f"feature network weights {str(file)!r} cannot be read as Keras .h5 weights: {error}"
        ) from error
    # Keras' VGG wants BGR: turning the first kernel over its input channels is the same as turning every image.
    convs[0] = dataclasses.replace(convs[0], weights=convs[0].weights[:, :, ::-1])
    return np.array(CAFFE_MEAN) / 127.5 - 1.0, np.full(3, 1.0 / 127.5), _checked(file, convs)


def _checked(file, convs):
    """The convolutions, once it is sure that they fit on each other and on RGB."""
    channels = 3
    for index, conv in enumerate(convs):
        if conv.weights.ndim != 4 or conv.weights.shape[2] != channels or conv.bias.shape != conv.weights.shape[3:]:
            raise ValueError(
                f"feature network weights {str(file)!r}: convolution {index + 1} must be [kh, kw, {channels}, out] "
                f"with bias [out], found {conv.weights.shape} and {conv.bias.shape}"
            )
        channels = conv.weights.shape[3]
    return convs
