"""FlowDecoder: image features + z -> flow both ways and visibility both ways, for all T frames at once.

Background and foreground are two layers: each has a flow of its own over the whole picture, from its own part of z, and
the annotation says which layer a pixel belongs to. So a motion ends where its object ends, and neither part of z moves
what belongs to the other.

What z says of the velocities is where the flow starts: backward as it is, on frame 0's grid, forward as the same motion
seen from frame t. Coarse to fine, each level adds to what those before it added. flow is on the grid of frame t and
what is known of the picture on that of frame 0, so each level also sees the features warped by the flow so far: there
an edge of the picture is where it will be in frame t. Inside a layer motion is smooth, so up to a quarter of the
frame's size each layer is decoded for itself, and the last level, at half of it, sees both put together. From there on
each pixel of the frame's own size takes a weighted mean of the flows around it, by weights that the last level, which
sees start frame and annotation in full, has learned: one side of an edge (convex upsampling: Teed and Deng, "RAFT",
ECCV 2020). Visibility is told where the two flows, as sharp as they then are, contradict each other or leave the
picture: what occlusion looks like; and where the layers say that one covers the other, it is taken for hidden.

Frames are folded into the batch, so every convolution is 2-D; TemporalMix lets neighbouring frames speak to each other
(the fact sheet's 3-D convolutions, at a third of their time on a CPU). Flow is in pixels of the frame at every level:
the heads predict velocities in units of ``flow_scale`` pixels per T frames, and frame t is t/T of the way.
"""

import keras
import tensorflow as tf

from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock, double_size
from seg2vid_tf.models.motion.decoder_level import DecoderLevel
from seg2vid_tf.models.motion.latent_injection import LatentInjection
from seg2vid_tf.ops.flow import convex_upsample
from seg2vid_tf.ops.image import fold_time
from seg2vid_tf.ops.occlusion import composite, contradiction
from seg2vid_tf.ops.warp import warp

# Channels that tell visibility from the last level and from where the flows contradict each other.
OCCLUSION_FILTERS = 16
# What being covered by the other layer takes from the logit of visibility: sure, but for what the head has to say.
COVERED = 6.0
# Of the start frame's features, this part of the channels is moved by the flow so far.
_MOVED_PART = 3
# What z says is smooth: each step leaves of an error the motion's slope, a tenth or so.
_INVERSION_STEPS = 3


class TemporalMix(BuiltByCall, keras.layers.Layer):
    """A residual sum over each frame and its two neighbours in time, place by place; the ends see zeros.

    Args:
      num_frames: T.
      filters: channels, in and out.
    """

    def __init__(self, num_frames: int, filters: int, **kwargs):
        super().__init__(**kwargs)
        self.conv = ConvBlock(filters, 1, name="conv")
        self.num_frames = num_frames
        self.filters = filters

    def get_config(self):
        return {**super().get_config(), "num_frames": self.num_frames, "filters": self.filters}

    def call(self, x):
        """x [B*T,h,w,C] -> the same shape."""
        height, width = tf.shape(x)[1], tf.shape(x)[2]
        clips = tf.reshape(x, [-1, self.num_frames, height, width, self.filters])
        edge = tf.zeros_like(clips[:, :1])
        before = tf.concat([edge, clips[:, :-1]], axis=1)
        after = tf.concat([clips[:, 1:], edge], axis=1)
        neighbours = tf.reshape(tf.concat([before, clips, after], axis=-1), [-1, height, width, 3 * self.filters])
        return x + self.conv(neighbours)


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
        # z's map is finer than the coarsest level: the levels up to a quarter of the frame's size hear it too.
        said = (max(1, filters[-1] // 2), *(max(1, f // 4) for f in mirrored[:-1]))
        self.injections = [
            LatentInjection(size, num_frames, said, name=name)
            for size, name in zip(latent_sizes, names, strict=True)
            if size
        ]
        self.stem = ConvBlock(filters[-1], name="stem")
        self.ups = [
            DecoderLevel(f, max(1, f // _MOVED_PART), flow_scale, warp_method, name=f"up_{i}")
            for i, f in enumerate(mirrored)
        ]
        self.mixes = [TemporalMix(num_frames, f, name=f"mix_{i}") for i, f in enumerate(mirrored[:-1])]
        # Of each flow, for each of the four pixels in one of half the size, nine places to take it from.
        self.upsampling = _zero_head(2 * 4 * 9, "upsampling", kernel_size=1)
        # Zero heads start at what z says; where that is nothing, the warp's one-sided derivative lets them leave it.
        self.coarse_flows = [_zero_head(4, f"coarse_flows_{i}") for i in range(len(mirrored))]
        self.flows = _zero_head(4, "flows")
        self.occlusion = ConvBlock(OCCLUSION_FILTERS, name="occlusion") if visible else None
        # Most pixels have a correspondence: visibility starts at sigmoid(2) = 0.88.
        self.visibilities = _zero_head(2 * 4, "visibilities", bias=2.0) if visible else None
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
            "visible": self.visibilities is not None,
            "warp_method": self.warp_method,
        }

    def call(self, levels, picture, foreground, z, instances=None):
        """Predicts how the picture moves.

        Args:
          levels: as ImageEncoder gives them.
          picture: float32 [B,H,W,3+K], start frame and annotation.
          foreground: float32 [B,H,W,1], 1 where the annotation has a foreground class, 0 elsewhere.
          z: float32 [B,Z], background part ++ foreground part.
          instances: the foreground's things, which then each move as one (instance_motion.py), or None.

        Returns:
          {flow, flow_backward: float32 [B,T,H,W,2], visibility, visibility_backward: float32 [B,T,H,W,1]}.
        """
        layers = len(self.injections)
        parts = tf.split(z, self.latent_sizes, axis=-1)[:layers]

        def for_each_frame(x):
            return tf.repeat(x, self.num_frames, axis=0)

        def for_each_layer(x):
            # The layers are folded into the batch too, the outermost: one set of weights, told apart by what z says.
            return tf.tile(for_each_frame(x), [layers, 1, 1, 1])

        coarse = list(reversed(levels))
        sizes = [tf.shape(level)[1:3] for level in coarse[:-1]]
        things = [None, instances][:layers]
        injected = (inject(part, sizes, of) for inject, part, of in zip(self.injections, parts, things, strict=True))
        velocities, said = zip(*injected, strict=True)
        start = self._start(tf.concat(velocities, axis=0), tf.shape(picture)[1:3])
        said = [tf.cast(tf.concat(level, axis=0), coarse[0].dtype) for level in zip(*said, strict=True)]
        x = self.stem(tf.concat([for_each_layer(coarse[0]), said[0]], axis=-1))
        added = self._pixels(self.coarse_flows[0](x))
        for i, features in enumerate(coarse[1:-1]):
            x, added = double_size(x), double_size(added)
            flows = tf.image.resize(start, sizes[i + 1]) + added
            heard = tf.concat([x, said[i + 1]], axis=-1)
            stride = 2 ** (len(levels) - 1 - i)
            x = self.ups[i](heard, features, flows, stride=stride, for_each=for_each_layer)
            x = self.mixes[i](x)
            added += self._pixels(self.coarse_flows[i + 1](x))
        x, added = double_size(x), double_size(added)
        flows = tf.image.resize(start, tf.shape(added)[1:3]) + added
        masks = None
        if layers == 2:
            masks = self.layer_masks(flows, foreground, stride=2)
            x = tf.concat(
                [tf.cast(composed(x, (tf.maximum(*masks),)), x.dtype), *(tf.cast(m, x.dtype) for m in masks)], -1
            )
        features = tf.concat([levels[0], tf.cast(tf.nn.space_to_depth(picture, 2), levels[0].dtype)], axis=-1)
        x = self.ups[-1](x, features, composed(flows, masks), stride=2, for_each=for_each_frame)
        flows += tf.tile(self._pixels(self.flows(x)), [layers, 1, 1, 1])
        # A pixel takes flow from places of its own layer: an edge between the layers is sharp already.
        flows = upsampled(flows, self.upsampling(x), layers)
        masks = self.layer_masks(flows, foreground) if layers == 2 else None
        flows = composed(flows, masks)
        if self.visibilities is None:
            seen = tf.ones_like(flows[..., :2])
        else:
            agreement = tf.cast(tf.nn.space_to_depth(self._agreement(flows), 2), x.dtype)
            seen = self.visibilities(self.occlusion(tf.concat([x, agreement], axis=-1)))
            seen = tf.nn.depth_to_space(seen, 2)
            if masks is not None:
                seen -= COVERED * self.covered(flows, *masks)
            seen = tf.sigmoid(seen)
        flows, visibilities = self._unfold(flows), self._unfold(seen)
        return {
            "flow": flows[..., :2],
            "flow_backward": flows[..., 2:],
            "visibility": visibilities[..., :1],
            "visibility_backward": visibilities[..., 1:],
        }

    def layer_masks(self, flows, foreground, stride=1):
        """Where the foreground is in frame t and in frame 0, each float32 [B*T,h,w,1] in [0,1].

        A pixel of frame 0 belongs to the layer that its class names, a pixel of frame t to the foreground if the
        foreground's flow brings one there.

        Args:
          flows: float32 [2*B*T,h,w,4], the background's and then the foreground's, in pixels of the frame.
          foreground: float32 [B,H,W,1].
          stride: H / h.
        """
        if stride > 1:
            foreground = tf.nn.avg_pool2d(foreground, stride, stride, "VALID")
        here = tf.repeat(foreground, self.num_frames, axis=0)
        front = tf.stop_gradient(tf.split(flows, 2, axis=0)[1][..., :2]) / stride
        return _sharp(warp(here, front, method=self.warp_method)), here

    def covered(self, flows, arrived, here):
        """Where the foreground lies over the background at the other end of the flow, float32 [B*T,H,W,2] in [0,1].

        A background pixel of frame t that comes from where the foreground was has just been uncovered: what the flow
        would bring is the foreground's. One of frame 0 that goes to where the foreground then is gets covered.

        Args:
          flows: float32 [B*T,H,W,4], of the whole picture, in pixels.
          arrived, here: as of ``layer_masks``.

        Returns:
          Of frame t's pixels and of frame 0's; no gradient.
        """
        flow, backward = tf.split(flows, 2, axis=-1)
        before = _sharp(warp(here, flow, method=self.warp_method))
        after = _sharp(warp(arrived, -backward, method=self.warp_method))
        return tf.stop_gradient(tf.nn.relu(tf.concat([before - arrived, after - here], axis=-1)))

    def _start(self, velocities, size):
        """Both flows that velocities [B,T,h,w,2] of frame 0's pixels mean, in pixels of frames of that size.

        float32 [B*T,h,w,4]: g is known, and f(x) = g(x - f(x)) is found by going back and forth.
        """
        backward = fold_time(velocities * self.pixels_of_velocity())
        cell = tf.cast(size / tf.shape(backward)[1:3], tf.float32)
        forward = backward
        for _ in range(_INVERSION_STEPS):
            forward = warp(backward, forward / cell, method=self.warp_method)
        return tf.concat([forward, backward], axis=-1)

    def _pixels(self, velocities):
        """What a flow head says, [B*T,h,w,4], in pixels."""
        return tf.reshape(self._unfold(velocities) * self.pixels_of_velocity(), tf.shape(velocities))

    def pixels_of_velocity(self):
        """Pixels that a velocity of 1 has come to at frames 1..T, float32 [1,T,1,1,1]."""
        progress = tf.range(1, self.num_frames + 1, dtype=tf.float32) / self.num_frames
        return (self.flow_scale * progress)[None, :, None, None, None]

    def _agreement(self, flows):
        """How far the two flows contradict each other, and whether they agree inside the picture, [B*T,H,W,4].

        |f(p) - g(p - f(p))| and |g(x) - f(x + g(x))|, 0 = none, 1 = a pixel or more; then consistent_visibility's two.
        """
        differences, agreeing = zip(*contradiction(*tf.split(flows, 2, axis=-1), self.warp_method), strict=True)
        lengths = [tf.norm(d + 1e-6, axis=-1, keepdims=True) for d in differences]
        return tf.concat([*map(tf.tanh, lengths), *agreeing], axis=-1)

    def _unfold(self, x):
        shape = tf.shape(x)
        return tf.reshape(x, [-1, self.num_frames, shape[1], shape[2], x.shape[-1]])


def upsampled(flows, logits, layers):
    """Both flows [layers*N,h,w,4] at twice the size, by logits [N,h,w,72] of the picture, flow's before the other's."""
    both = []
    for flow, places in zip(tf.split(flows, 2, axis=-1), tf.split(logits, 2, axis=-1), strict=True):
        finer = convex_upsample(tf.concat(tf.split(flow, layers), axis=-1), places)
        both.append(tf.concat(tf.split(finer, layers, axis=-1), axis=0))
    return tf.concat(both, axis=-1)


def composed(layers, masks):
    """Two layers [2*N,H,W,C], background first -> one picture float32 [N,H,W,C]; what is one layer stays as it is.

    masks: where the foreground's layer counts, a mask [N,H,W,1] for each of equal parts of the channels; or None.
    """
    if masks is None:
        return layers
    parts = [tf.split(layer, len(masks), axis=-1) for layer in tf.split(layers, 2, axis=0)]
    return tf.concat([composite(front, behind, mask) for behind, front, mask in zip(*parts, masks, strict=True)], -1)


def _sharp(mask):
    """A sampled outline is a blur: it is made sharp, yet stays continuous, or the last bit could move a pixel far."""
    return tf.clip_by_value(4.0 * mask - 1.5, 0.0, 1.0)


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
