"""FlowDecoder: image features + z -> flow both ways and visibility both ways, for all T frames at once.

Coarse to fine, from the velocities that z stands for: each level adds a residual to the flow of those before it, and
reads the image features warped by the flow so far, as in PWC-Net (Sun et al., CVPR 2018): flow lies on frame t's grid,
image features on frame 0's. Inside a layer (flow_layers.py) motion is smooth, so up to a quarter of the frame's size
each layer is decoded for itself, and the last level, at half of it, sees both put together. Then each pixel of the
frame's own size takes a weighted mean of the flows around it, by weights that the last level has learned from start
frame and annotation: one side of an edge (convex upsampling: Teed and Deng, "RAFT", ECCV 2020). The visibility head
reads the forward-backward error of these flows and where they leave the picture; where one layer covers the other,
visibility is lowered.

flow is the displacement of frame t's pixels, warped_t(p) = x_0(p - flow_t(p)); flow_backward, on frame 0's grid, is
what RAFT calls the forward flow, from frame 0 to frame t.

Shapes: L layers, background first, and T frames are folded into the batch, so every convolution is 2-D: [L*N,h,w,C],
N = B*T. Flow is in pixels of the frame at every level: the heads predict velocities in units of ``flow_scale`` pixels
per T frames, and frame t is t/T of the way.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock, double_size
from seg2vid_tf.models.motion.decoder_level import DecoderLevel
from seg2vid_tf.models.motion.flow_layers import composite_layers, layer_masks, occluded_by_foreground, upsample_flows
from seg2vid_tf.models.motion.latent_injection import LatentInjection
from seg2vid_tf.models.motion.temporal_mix import TemporalMix
from seg2vid_tf.ops.image import fold_time
from seg2vid_tf.ops.occlusion import forward_backward_error
from seg2vid_tf.ops.warp import warp

# Channels between the last level's features and the visibility head.
OCCLUSION_FILTERS = 16
# Subtracted from the visibility logit where the other layer covers the pixel; the head can still overrule it.
_COVERED_LOGIT = 6.0
# One in so many channels of the start frame's features is warped by the flow so far.
_WARPED_PART = 3
# Fixed-point steps: each multiplies the error by the flow's gradient, about 0.1.
_INVERSION_STEPS = 3


class FlowDecoder(BuiltByCall, keras.layers.Layer):
    """The decoder of stage 2.

    Args:
      num_frames: T.
      filters: channels of the image encoder's levels, fine to coarse; the decoder mirrors them.
      flow_scale: pixels of flow at frame T that one unit of a flow head stands for.
      latent_sizes: dimensions of z's background and foreground part; 0 foreground: one layer for all.
      visible: whether visibility is predicted; without it, it is 1 everywhere.
      warp_method: how features are warped, one of ``seg2vid_tf.ops.warp.METHODS``.
    """

    def __init__(
        self,
        num_frames: int,
        filters: tuple[int, ...],
        flow_scale: float,
        latent_sizes: tuple[int, int],
        visible: bool = True,
        warp_method: str = "native",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        mirrored = list(reversed(filters[:-1]))
        names = ("background_injection", "foreground_injection")
        # z's map is finer than the coarsest level: the levels up to a quarter of the frame's size read it too.
        latent_filters = (max(1, filters[-1] // 2), *(max(1, f // 4) for f in mirrored[:-1]))
        self.injections = [
            LatentInjection(size, num_frames, latent_filters, name=name)
            for size, name in zip(latent_sizes, names, strict=True)
            if size
        ]
        self.stem = ConvBlock(filters[-1], name="stem")
        self.ups = [
            DecoderLevel(f, max(1, f // _WARPED_PART), flow_scale, warp_method, name=f"up_{i}")
            for i, f in enumerate(mirrored)
        ]
        self.mixes = [TemporalMix(num_frames, f, name=f"mix_{i}") for i, f in enumerate(mirrored[:-1])]
        # For both flows: each pixel at half the size becomes 2 x 2, each a weighted mean of 9 neighbours.
        self.upsampling_head = _zero_head(2 * 4 * 9, "upsampling", kernel_size=1)
        # Heads start at zero, so training starts from z's own flow; where that is zero, too, the warp's one-sided
        # derivative (ops/warp.py) still gives them a gradient.
        self.coarse_flow_heads = [_zero_head(4, f"coarse_flows_{i}") for i in range(len(mirrored))]
        self.flow_head = _zero_head(4, "flows")
        self.occlusion = ConvBlock(OCCLUSION_FILTERS, name="occlusion") if visible else None
        # Most pixels have a correspondence: visibility starts at sigmoid(2) = 0.88.
        self.visibility_head = _zero_head(2 * 4, "visibilities", bias=2.0) if visible else None
        self.num_frames = num_frames
        self.filters = tuple(filters)
        self.flow_scale = flow_scale
        self.latent_sizes = tuple(latent_sizes)
        self.warp_method = warp_method

    def get_config(self):
        return {
            **super().get_config(),
            "num_frames": self.num_frames,
            "filters": self.filters,
            "flow_scale": self.flow_scale,
            "latent_sizes": self.latent_sizes,
            "visible": self.visibility_head is not None,
            "warp_method": self.warp_method,
        }

    @property
    def num_layers(self) -> int:
        """L: 2, background and foreground, or 1 for all classes."""
        return len(self.injections)

    def call(self, features, picture, foreground, z, instances=None):
        """Predicts how the picture moves.

        Args:
          features: as ImageEncoder gives them, fine to coarse.
          picture: float32 [B,H,W,3+K], start frame and annotation.
          foreground: float32 [B,H,W,1], 1 where the annotation has a foreground class, 0 elsewhere.
          z: float32 [B,Z], background part ++ foreground part.
          instances: the foreground's things, which then each move as one (instance_motion.py), or None.

        Returns:
          {flow, flow_backward: float32 [B,T,H,W,2], visibility, visibility_backward: float32 [B,T,H,W,1]}.
        """
        coarse_to_fine = features[::-1]
        velocities, latent_features = self._inject(z, coarse_to_fine[:-1], instances)
        initial = self._initial_flows(velocities, tf.shape(picture)[1:3])  # [L*N,16,32,4]
        x, residual = self._decode_layers(coarse_to_fine[:-1], initial, latent_features)  # at 1/4 of the size
        x, residual = double_size(x), double_size(residual)  # [L*N,H/2,W/2,C], [L*N,H/2,W/2,4]
        flows = _resized(initial, residual) + residual
        x = self._decode_picture(x, flows, features[0], picture, foreground)  # [N,H/2,W/2,C]
        flows += tf.tile(self._to_pixels(self.flow_head(x)), [self.num_layers, 1, 1, 1])
        # Each layer is upsampled for itself: the masks make the border between the layers sharp.
        flows = upsample_flows(flows, self.upsampling_head(x), self.num_layers)  # [L*N,H,W,4]
        masks = self._layer_masks(flows, foreground)
        flows = composite_layers(flows, masks)  # [N,H,W,4]
        visibility = self._visibility(x, flows, masks)  # [N,H,W,2]
        flows, visibility = self._unfold(flows), self._unfold(visibility)
        return {
            "flow": flows[..., :2],
            "flow_backward": flows[..., 2:],
            "visibility": visibility[..., :1],
            "visibility_backward": visibility[..., 1:],
        }

    def pixels_per_velocity(self):
        """Pixels that a velocity of 1 has come to at frames 1..T, float32 [1,T,1,1,1]."""
        progress = tf.range(1, self.num_frames + 1, dtype=tf.float32) / self.num_frames
        return (self.flow_scale * progress)[None, :, None, None, None]

    def _inject(self, z, coarse_features, instances):
        """z -> velocities float32 [L*B,T,16,32,2], and features [L*N,h,w,C] for each of the coarse levels."""
        sizes = [tf.shape(level)[1:3] for level in coarse_features]
        parts = tf.split(z, self.latent_sizes, axis=-1)[: self.num_layers]
        injected = [
            inject(part, sizes, group_instances)
            for inject, part, group_instances in zip(self.injections, parts, [None, instances], strict=False)
        ]
        velocities, latent_features = zip(*injected, strict=True)
        dtype = coarse_features[0].dtype
        latent_features = [tf.cast(tf.concat(level, axis=0), dtype) for level in zip(*latent_features, strict=True)]
        return tf.concat(velocities, axis=0), latent_features

    def _initial_flows(self, velocities, size):
        """Both flows float32 [L*N,16,32,4] that velocities of frame 0's pixels mean, in pixels of frames of that size.

        flow_backward g is given; flow is the fixed point of f(x) = g(x - f(x)).
        """
        flow_backward = fold_time(velocities * self.pixels_per_velocity())
        cell = tf.cast(size / tf.shape(flow_backward)[1:3], tf.float32)
        flow = flow_backward
        for _ in range(_INVERSION_STEPS):
            flow = warp(flow_backward, flow / cell, method=self.warp_method)
        return tf.concat([flow, flow_backward], axis=-1)

    def _decode_layers(self, features, initial, latent_features):
        """Each layer for itself, from the coarsest level to a quarter of the frame's size.

        Returns:
          Features [L*N,H/4,W/4,C], and what the levels add to the initial flows, float32 [L*N,H/4,W/4,4].
        """
        x = self.stem(tf.concat([self._for_each_layer(features[0]), latent_features[0]], axis=-1))
        residual = self._to_pixels(self.coarse_flow_heads[0](x))
        for i, level in enumerate(features[1:]):
            x, residual = double_size(x), double_size(residual)
            flows = _resized(initial, level) + residual
            x = tf.concat([x, latent_features[i + 1]], axis=-1)
            stride = 2 ** (len(features) - i)
            x = self.ups[i](x, level, flows, stride=stride, for_each=self._for_each_layer)
            x = self.mixes[i](x)
            residual += self._to_pixels(self.coarse_flow_heads[i + 1](x))
        return x, residual

    def _decode_picture(self, x, flows, features, picture, foreground):
        """The last level, at half the frame's size, which sees both layers put together: [N,H/2,W/2,C]."""
        masks = self._layer_masks(flows, foreground, stride=2)
        if masks is not None:
            x = composite_layers(x, (tf.maximum(*masks),))
            x = tf.concat([tf.cast(part, features.dtype) for part in (x, *masks)], axis=-1)
        features = tf.concat([features, tf.cast(tf.nn.space_to_depth(picture, 2), features.dtype)], axis=-1)
        flows = composite_layers(flows, masks)
        return self.ups[-1](x, features, flows, stride=2, for_each=self._for_each_frame)

    def _visibility(self, x, flows, masks):
        """Of frame t's pixels and of frame 0's, float32 [N,H,W,2] in [0,1]."""
        if self.visibility_head is None:
            return tf.ones_like(flows[..., :2])
        consistency = tf.cast(tf.nn.space_to_depth(self._consistency(flows), 2), x.dtype)
        logits = self.visibility_head(self.occlusion(tf.concat([x, consistency], axis=-1)))
        logits = tf.nn.depth_to_space(logits, 2)
        if masks is not None:
            logits -= _COVERED_LOGIT * occluded_by_foreground(flows, *masks, self.warp_method)
        return tf.sigmoid(logits)

    def _consistency(self, flows):
        """How far the two flows contradict each other, and whether they agree within the picture, [N,H,W,4].

        |f(p) - g(p - f(p))| and |g(x) - f(x + g(x))|, 0 = none, 1 = a pixel or more; then consistent_visibility's two.
        """
        errors = forward_backward_error(*tf.split(flows, 2, axis=-1), self.warp_method)
        differences, visible = zip(*errors, strict=True)
        lengths = [tf.norm(d + 1e-6, axis=-1, keepdims=True) for d in differences]
        return tf.concat([*map(tf.tanh, lengths), *visible], axis=-1)

    def _layer_masks(self, flows, foreground, stride=1):
        if self.num_layers == 1:
            return None
        return layer_masks(flows, foreground, self.num_frames, stride, self.warp_method)

    def _to_pixels(self, velocities):
        """A flow head's output [..N,h,w,4] in pixels."""
        return tf.reshape(self._unfold(velocities) * self.pixels_per_velocity(), tf.shape(velocities))

    def _unfold(self, x):
        """[N,h,w,C] -> [B,T,h,w,C]."""
        shape = tf.shape(x)
        return tf.reshape(x, [-1, self.num_frames, shape[1], shape[2], x.shape[-1]])

    def _for_each_frame(self, x):
        """[B,...] -> [N,...]."""
        return tf.repeat(x, self.num_frames, axis=0)

    def _for_each_layer(self, x):
        """[B,h,w,C] -> [L*N,h,w,C]: one set of weights for all layers, which z's features tell apart."""
        return tf.tile(self._for_each_frame(x), [self.num_layers, 1, 1, 1])


def _resized(flows, like):
    """Flows of the frame, in its pixels, on the grid of ``like`` [..,h,w,C]."""
    return tf.image.resize(flows, tf.shape(like)[1:3])


def _zero_head(filters, name, bias=0.0, kernel_size=3):
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.Constant(bias),
        dtype="float32",
        name=name,
    )
