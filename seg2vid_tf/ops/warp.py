"""Bilinear warp of an image by a dense flow, with TensorFlow Addons' meaning and a gradient that is never blind.

    out[b, y, x, c] = image[b, y - flow[b, y, x, 0], x - flow[b, y, x, 1], c]

image [B, H, W, C], any value range; flow [B, H, W, 2], (dy, dx) in pixels. Values between pixels are bilinear,
positions outside the image take the nearest border pixel. Source: the warp by the paper's two flows, which is
``tfa.image.dense_image_warp(start_frame, flow)`` and ``tfa.image.dense_image_warp(frame, -flow_backward)``.

Two differences from Addons, both on purpose:

* At an integer position Addons' flow gradient is zero, so a flow head that starts at zero never learns. Here it is the
  one-sided derivative towards the next pixel (towards the previous one at the last row and column).
* Everything is computed in float32. Above 128 a bfloat16 holds no fraction of a pixel, so image and flow are cast up
  and the result stays float32. Cast the result down where that is wanted; never cast the flow down before.

The gradient is analytic: the forward pass keeps the slopes along y and x, the flow's gradient is their product with the
upstream one, and the scatter that the image's gradient takes is run only where somebody asks for it.
"""

import tensorflow as tf

METHODS = ("native", "compiled", "addons")

# Up to here one scatter of four corners side by side beats four scatters (experiments/benchmarks/warp.py).
_JOINT_SCATTER_CHANNELS = 8


def warp(image: tf.Tensor, flow: tf.Tensor, method: str = "native") -> tf.Tensor:
    """``dense_image_warp`` by the implementation that ``method`` names: the programs' --warp flag.

    Args:
      image: float [B, H, W, C].
      flow: float [B, H, W, 2], (dy, dx) in pixels.
      method: "native" (plain TensorFlow ops: runs everywhere, fit for export), "compiled" (the same through XLA: about
        twice as fast in training, compiles once for every shape, not for export) or "addons"
        (``tfa.image.dense_image_warp``, in float32 as well).

    Returns:
      float32 [B, H, W, C].

    Raises:
      ValueError: unknown method, or "addons" where TensorFlow Addons cannot be imported.
    """
    if method not in METHODS:
        raise ValueError(f"warp method must be one of {METHODS}, received {method!r}")
    if method != "addons":
        return dense_image_warp(image, flow, compiled=method == "compiled")
    try:
        # Addons exists on the Python 3.10 and 3.11 stack only, and does not import beside Keras 3.
        from tensorflow_addons.image import dense_image_warp as addons_warp
    except ImportError as error:
        raise ValueError(
            f"warp method 'addons' needs TensorFlow Addons, which cannot be imported here ({error}): "
            "use 'native', or Python 3.10 or 3.11 with tensorflow-addons installed"
        ) from error
    return addons_warp(tf.cast(image, tf.float32), tf.cast(flow, tf.float32))


def dense_image_warp(
    image: tf.Tensor, flow: tf.Tensor, image_gradient: bool = True, compiled: bool = False
) -> tf.Tensor:
    """Samples ``image`` at p - flow(p), bilinearly, border replicated.

    Args:
      image: float [B, H, W, C], H and W at least 2.
      flow: float [B, H, W, 2], (dy, dx) in pixels. A flow that leads outside the image, to infinity included, takes the
        border pixel and has no gradient along that axis. A NaN makes its own output pixel NaN and touches no other.
      image_gradient: False stops the gradient to the image. Inside a tf.function an image gradient that nobody asks for
        costs nothing either way; in eager mode it is computed unless it is stopped here.
      compiled: run the arithmetic through XLA (``warp``, method "compiled").

    Returns:
      float32 [B, H, W, C], differentiable in image and flow.

    Raises:
      ValueError: image or flow does not have the documented shape.
      tf.errors.InvalidArgumentError: H or W, known only while the graph runs, is below 2.
    """
    image = tf.cast(tf.convert_to_tensor(image), tf.float32)
    flow = tf.cast(tf.convert_to_tensor(flow), tf.float32)
    _check_shapes(image, flow)
    sample = _compiled_sample if compiled else _sample
    flow_gradient_of = _compiled_flow_gradient if compiled else _flow_gradient

    @tf.custom_gradient
    def sampled(image, flow):
        out, slope_y, slope_x, inside, index, ay, ax = sample(image, flow)

        def gradient(upstream):
            flow_gradient = flow_gradient_of(upstream, slope_y, slope_x, inside)
            if not image_gradient:
                return tf.zeros_like(image), flow_gradient
            joint = compiled and image.shape[3] is not None and image.shape[3] <= _JOINT_SCATTER_CHANNELS
            scatter = _joint_scatter if joint else _scatter
            return scatter(upstream, index, ay, ax, tf.shape(image)), flow_gradient

        return out, gradient

    out = sampled(image if image_gradient else tf.stop_gradient(image), flow)
    out.set_shape(image.shape[:3].merge_with(flow.shape[:3]).concatenate(image.shape[3:]))
    return out


def _sample(image, flow):
    """The forward pass and what its gradients need.

    Returns:
      the warped image and its slopes along y and x, all [B, H, W, C]; whether the position lies inside along y and x,
      bool [2, B, H, W]; the upper left pixel's index among all B * H * W, [B, H, W]; the fractions along y and x,
      [B, H, W, 1].
    """
    batch, height, width, channels = tf.unstack(tf.shape(image))
    rows, columns = tf.range(height)[None, :, None], tf.range(width)[None, None, :]
    dy, dx = tf.unstack(tf.transpose(flow, [3, 0, 1, 2]), 2)
    y, ay, inside_y = _locate(tf.cast(rows, tf.float32) - dy, height)
    x, ax, inside_x = _locate(tf.cast(columns, tf.float32) - dx, width)
    index = (tf.range(batch)[:, None, None] * height + y) * width + x
    pixels = tf.reshape(image, [-1, channels])
    # gather_nd copies short rows a third faster than gather.
    top_left, top_right = tf.gather_nd(pixels, index[..., None]), tf.gather_nd(pixels, index[..., None] + 1)
    below = index[..., None] + width
    bottom_left, bottom_right = tf.gather_nd(pixels, below), tf.gather_nd(pixels, below + 1)
    slope_top, slope_bottom = top_right - top_left, bottom_right - bottom_left
    top = ax * slope_top + top_left
    slope_y = ax * slope_bottom + bottom_left - top
    slope_x = ay * (slope_bottom - slope_top) + slope_top
    out = ay * slope_y + top
    return out, slope_y, slope_x, tf.stack([inside_y, inside_x]), index, ay, ax


def _locate(position, size):
    """Positions [B, H, W] along one axis -> lower pixel's index, fraction [B, H, W, 1], whether inside [B, H, W]."""
    clamped = tf.clip_by_value(position, 0.0, tf.cast(size - 1, tf.float32))
    # XLA's clamp turns NaN into a number; NaN is to stay NaN.
    clamped = tf.where(tf.math.is_nan(position), position, clamped)
    # A NaN casts to an arbitrary integer: the index is clamped once more, as an integer.
    index = tf.minimum(tf.maximum(tf.cast(clamped, tf.int32), 0), size - 2)
    fraction = clamped - tf.cast(index, tf.float32)
    return index, fraction[..., None], tf.equal(position, clamped)


def _flow_gradient(upstream, slope_y, slope_x, inside):
    gradient = tf.stack([tf.reduce_sum(upstream * slope_y, -1), tf.reduce_sum(upstream * slope_x, -1)])
    return tf.transpose(tf.where(inside, -gradient, 0.0), [1, 2, 3, 0])


def _corners(upstream, ay, ax):
    """The upstream gradient's four shares, in the order of the pixels in memory."""
    lower = ay * upstream
    upper = upstream - lower
    upper_right, lower_right = ax * upper, ax * lower
    return upper - upper_right, upper_right, lower - lower_right, lower_right


def _scatter(upstream, index, ay, ax, shape):
    """Image gradient: every share added to its pixel."""
    indices = (index, index + 1, index + shape[2], index + shape[2] + 1)
    sums = [
        tf.math.unsorted_segment_sum(share, at, shape[0] * shape[1] * shape[2])
        for share, at in zip(_corners(upstream, ay, ax), indices, strict=True)
    ]
    return tf.reshape(tf.add_n(sums), shape)


def _joint_scatter(upstream, index, ay, ax, shape):
    """The same with one scatter: the four shares travel side by side to the upper left pixel and part there."""
    shares = _compiled_join(upstream, ay, ax)
    return _compiled_part(tf.math.unsorted_segment_sum(shares, index, shape[0] * shape[1] * shape[2]), upstream)


def _join(upstream, ay, ax):
    return tf.concat(_corners(upstream, ay, ax), -1)


def _part(sums, like):
    """[B * H * W, 4 C] sums at the upper left pixels -> gradient of the shape of ``like`` [B, H, W, C]."""
    shape = tf.shape(like)
    pixels, width = shape[0] * shape[1] * shape[2], shape[2]
    upper_left, upper_right, lower_left, lower_right = tf.split(sums, 4, -1)
    upper = upper_left + tf.pad(upper_right[:-1], [[1, 0], [0, 0]])
    lower = lower_left + tf.pad(lower_right[:-1], [[1, 0], [0, 0]])
    return tf.reshape(upper + tf.pad(lower[: pixels - width], [[width, 0], [0, 0]]), shape)


def _check_shapes(image, flow):
    if image.shape.rank != 4 or flow.shape.rank != 4 or flow.shape[3] != 2:
        raise ValueError(f"image must be [B, H, W, C] and flow [B, H, W, 2], received {image.shape} and {flow.shape}")
    if not image.shape[:3].is_compatible_with(flow.shape[:3]):
        raise ValueError(f"image and flow must agree in B, H and W, received {image.shape} and {flow.shape}")
    for axis in (1, 2):
        if image.shape[axis] is None:
            tf.debugging.assert_greater_equal(tf.shape(image)[axis], 2, "the warped image must be at least 2 x 2")
        elif image.shape[axis] < 2:
            raise ValueError(f"the warped image must be at least 2 x 2, received {image.shape}")


_compiled_sample = tf.function(_sample, jit_compile=True)
_compiled_flow_gradient = tf.function(_flow_gradient, jit_compile=True)
_compiled_join = tf.function(_join, jit_compile=True)
_compiled_part = tf.function(_part, jit_compile=True)
