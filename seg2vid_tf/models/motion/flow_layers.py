"""Two layers of flow, background and foreground, and how they make one picture.

Each layer has a flow of its own over the whole picture; the annotation says which layer a pixel belongs to. So a motion
ends where its object ends, and neither part of z moves what belongs to the other. The layers are folded into the batch,
the outermost, background first: [2*N,h,w,C] is both, N = B*T. Flow is (dy, dx) in pixels of the frame, forward and
backward side by side: the last axis is flow's two numbers and then flow_backward's.
"""

import tensorflow as tf

from seg2vid_tf.ops.flow import convex_upsample
from seg2vid_tf.ops.occlusion import composite
from seg2vid_tf.ops.warp import warp


def layer_masks(flows, foreground, num_frames, stride=1, warp_method="native"):
    """Where the foreground is in frame t and in frame 0, each float32 [N,h,w,1] in [0,1].

    A pixel of frame 0 belongs to the layer that its class names, a pixel of frame t to the foreground if the
    foreground's flow brings one there.

    Args:
      flows: float32 [2*N,h,w,4], both layers.
      foreground: float32 [B,H,W,1], 1 where the annotation has a foreground class, 0 elsewhere.
      num_frames: T.
      stride: H / h.
      warp_method: one of ``seg2vid_tf.ops.warp.METHODS``.
    """
    if stride > 1:
        foreground = tf.nn.avg_pool2d(foreground, stride, stride, "VALID")
    mask_0 = tf.repeat(foreground, num_frames, axis=0)
    foreground_flow = tf.stop_gradient(tf.split(flows, 2, axis=0)[1][..., :2]) / stride
    return _sharpen(warp(mask_0, foreground_flow, method=warp_method)), mask_0


def occluded_by_foreground(flows, mask_t, mask_0, warp_method="native"):
    """Where the foreground lies over the background at the other end of the flow, float32 [N,H,W,2] in [0,1].

    A background pixel of frame t that comes from where the foreground was has just been uncovered: what the flow
    would bring is the foreground's. One of frame 0 that goes to where the foreground then is gets covered.

    Args:
      flows: float32 [N,H,W,4], of the whole picture.
      mask_t, mask_0: of ``layer_masks``.
      warp_method: one of ``seg2vid_tf.ops.warp.METHODS``.

    Returns:
      Of frame t's pixels and of frame 0's; no gradient.
    """
    flow, flow_backward = tf.split(flows, 2, axis=-1)
    foreground_before = _sharpen(warp(mask_0, flow, method=warp_method))
    foreground_after = _sharpen(warp(mask_t, -flow_backward, method=warp_method))
    return tf.stop_gradient(tf.nn.relu(tf.concat([foreground_before - mask_t, foreground_after - mask_0], axis=-1)))


def composite_layers(layers, masks):
    """Both layers -> one picture float32 [N,H,W,C]; a single layer, which has no masks, stays as it is.

    Args:
      layers: [2*N,H,W,C], or of a single layer [N,H,W,C].
      masks: where the foreground's layer counts, a mask [N,H,W,1] for each of equal parts of the channels; or None.
    """
    if masks is None:
        return layers
    parts = [tf.split(layer, len(masks), axis=-1) for layer in tf.split(layers, 2, axis=0)]
    return tf.concat([composite(front, behind, mask) for behind, front, mask in zip(*parts, masks, strict=True)], -1)


def upsample_flows(flows, logits, num_layers):
    """Flows [L*N,h,w,4] at twice the size, by logits [N,h,w,72] of the picture: flow's 36, then flow_backward's."""
    both = []
    for flow, logit in zip(tf.split(flows, 2, axis=-1), tf.split(logits, 2, axis=-1), strict=True):
        finer = convex_upsample(tf.concat(tf.split(flow, num_layers), axis=-1), logit)
        both.append(tf.concat(tf.split(finer, num_layers, axis=-1), axis=0))
    return tf.concat(both, axis=-1)


def _sharpen(mask):
    """A sampled mask is blurred: its edge is made steep but stays continuous, so that no rounding moves a pixel far."""
    return tf.clip_by_value(4.0 * mask - 1.5, 0.0, 1.0)
