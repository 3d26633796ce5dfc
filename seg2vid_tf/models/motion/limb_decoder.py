"""LimbDecoder: z -> rigid limbs -> flow both ways, visibility both ways and the annotation of each frame.

    bones       read off the annotation of frame 0 (ops/limbs.py): where each limb is and what it hangs on
    motion      z -> each bone's turn and the root's shift (limb_latent.py): joints stay joined by construction
    body        which pixels of frame 0 are the person's, and by how much each bone moves them: by the distance from
                the bones, whether they look like what is behind, and what a network that sees start frame and
                annotation has learned to add
    frame t     each bone brings its part of the body along (linear blend skinning, ops/skinning.py); bones further out
                lie in front; everything else stays where it is
    visibility  0 where a bone brings what another one hid in frame 0, and on the wall where the body was

The flow of the body's inside is that of the bones alone, so nothing that z says can tear or bend a limb. Shapes: B
clips, T frames, N = B*T, L bones; positions and flow are (dy, dx) in pixels, as of flow_decoder.py.
"""

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.limb_tree import limb_tree
from seg2vid_tf.models.built_by_call import BuiltByCall
from seg2vid_tf.models.motion.blocks import ConvBlock, double_size
from seg2vid_tf.models.motion.limb_latent import count_waves, z_to_motion
from seg2vid_tf.ops.image import fold_time
from seg2vid_tf.ops.limbs import (
    blend_logits,
    draw_limbs,
    find_limbs,
    find_pivots,
    moved_ends,
    pixel_distance,
    unlike_behind,
)
from seg2vid_tf.ops.occlusion import consistent_visibility, in_frame_mask
from seg2vid_tf.ops.skinning import carried_pivots, pixel_grid, positions_after
from seg2vid_tf.ops.warp import warp

# How far from a bone the body goes, in mean lengths of limbs, before anything is learned; and how far it is still there
# where another bone covers it, the trunk's first.
_RADIUS, _TRUNK_CORE, _CORE = 0.5, 0.45, 0.3
# How fast the body ends there.
_EDGE = 0.08
# What the picture says, as a logit, where it looks like what is behind the body and where it does not, before anything
# is learned; and the difference from it, of colours in [-1, 1], at which it says as much for as against, and how soon
# it is sure.
_LIKE, _UNLIKE = -8.0, 4.0
_DIFFERENCE, _SURE = 0.15, 0.04
# What the network can say against or for it, as a logit: less than what is said at the bone itself where it does not
# look like the wall, so that no limb that can be told from it stays behind.
_MOST_LEARNED = 3.0
# What a bone hides counts so much less than what it shows, where bones lie over each other.
_HIDDEN_WEIGHT = 0.05
# Added to a bone's logit for each joint between it and the root: an arm lies in front of the trunk.
_IN_FRONT = 1.5
# Bones that lie over each other hardly mix: half of two flows is nobody's.
_SHARPNESS = 3.0
# A pixel at an edge has something of the wall's colour: before another bone it counts by so high a power of the body's
# share in what lies around it, which is taken for no less than this.
_INNER, _OUTERMOST = 6, 0.1
# Pixels around the body that its edge has coloured.
_RIM = 5
# How far a body that the picture cuts off goes on beyond it, in heights of the picture.
_BEYOND = 0.06
_EPSILON, _SMALLEST = 1e-6, 1e-20
# Of what is less visible, or less hidden, it does not matter whose it is, and rounding would decide.
_HARDLY = 0.1


class LimbDecoder(BuiltByCall, keras.layers.Layer):
    """The decoder of stage 2 for skeletons.

    Args:
      num_frames: T.
      filters: channels of the image encoder's levels, fine to coarse; the network of the body mirrors them.
      limbs: (class id, its two ends) of each, as the spec's skeleton has them.
      latent_dim: Z.
      visible: whether visibility is predicted; without it, it is 1 everywhere.
      warp_method: one of ``seg2vid_tf.ops.warp.METHODS``.

    Raises:
      ValueError: latent_dim does not fit the skeleton and T.
    """

    def __init__(
        self,
        num_frames: int,
        filters: tuple[int, ...],
        limbs: tuple,
        latent_dim: int,
        visible: bool = True,
        warp_method: str = "native",
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", "autocast": False, **kwargs})
        self.tree = limb_tree(limbs)
        self.num_bones = len(self.tree.bones)
        self.waves = count_waves(latent_dim, self.num_bones, num_frames)
        self.num_frames = num_frames
        self.ups = [ConvBlock(f, name=f"up_{i}") for i, f in enumerate(reversed(filters[:-1]))]
        self.body_head = keras.layers.Conv2D(
            4 * (1 + self.num_bones), 3, padding="same", kernel_initializer="zeros", dtype="float32", name="body"
        )
        in_front = keras.initializers.Constant(_IN_FRONT * np.float32(self._joints_from_root()))
        self.order = self.add_weight(name="order", shape=[self.num_bones], dtype="float32", initializer=in_front)
        self._config = {
            "num_frames": num_frames,
            "filters": tuple(filters),
            "limbs": limbs,
            "latent_dim": latent_dim,
            "visible": visible,
            "warp_method": warp_method,
        }

    def _joints_from_root(self):
        joints = []
        for parent in self.tree.parents:
            joints.append(0 if parent < 0 else joints[parent] + 1)
        return joints

    def get_config(self):
        return {**super().get_config(), **self._config}

    def call(self, features, picture, z):
        """Predicts how the picture moves.

        Args:
          features: as ImageEncoder gives them, fine to coarse.
          picture: float32 [B,H,W,3+K], start frame and annotation.
          z: float32 [B,Z].

        Returns:
          {flow, flow_backward: float32 [B,T,H,W,2], visibility, visibility_backward: float32 [B,T,H,W,1]} as
          FlowDecoder does; body: float32 [B,T,H,W,3], the person as it is there; foreground, moved_share,
          hidden_share: float32 [B,T,H,W,1], how much of a pixel is the person's, and of what is visible in it, and of
          what is not; annotations: float32 [B,T,H,W,K], the limbs drawn where they have come to.
        """
        size = tf.shape(picture)[1], tf.shape(picture)[2]
        limbs, grid = find_limbs(picture[..., 3:], self.tree), pixel_grid(size)
        turns, shift = z_to_motion(z, self.num_frames, self.num_bones, size[0])
        pivots = tf.repeat(find_pivots(limbs, self.tree)[:, None], self.num_frames, axis=1)
        carried = carried_pivots(pivots, turns, shift, self.tree.parents)  # [B,T,L,2]
        ends = moved_ends(limbs, self.tree, pivots, carried, turns)
        drawn = draw_limbs(tf.stop_gradient(ends), limbs, self.tree, size, picture.shape[-1] - 3)
        body = self._body(features, picture[..., :3], limbs, size)
        colors = tf.repeat(picture[:, None, ..., :3], self.num_bones, axis=1)
        body, colors = (tf.repeat(part, self.num_frames, axis=0) for part in (body, colors))
        shown = body[..., :1]
        where = [tf.reshape(v, [-1, self.num_bones, 1, 1, 2]) for v in (pivots, carried)]
        turns = tf.reshape(turns, [-1, self.num_bones, 1, 1])
        moved = _mean(positions_after(grid, *where, turns) - grid, shown)  # [N,H,W,2]
        brought = grid - positions_after(grid, *where[::-1], -turns)  # [N,L,H,W,2]
        outputs = self._frame_t(brought, moved, body, colors)
        outputs["flow_backward"] = _inside(tf.reduce_sum(shown, axis=1)) * moved
        outputs |= self._visibility_backward(outputs)
        unfolded = {
            name: tf.reshape(value, [-1, self.num_frames, *size, value.shape[-1]]) for name, value in outputs.items()
        }
        return {**unfolded, "annotations": drawn}

    def _body(self, features, start_frame, limbs, size):
        """What each bone moves of frame 0, float32 [B,L,H,W,3].

        What is seen of it, the same with what others hide, and how much of the body lies around a pixel.
        """
        distances = pixel_distance(size, limbs, self.tree)
        x = features[-1]
        for skip, up in zip(reversed(features[:-1]), self.ups, strict=True):
            x = up(tf.concat([double_size(x), skip], axis=-1))
        learned = tf.nn.depth_to_space(self.body_head(x), 2)
        learned = _MOST_LEARNED * tf.tanh(learned / _MOST_LEARNED)
        nearest = tf.reduce_min(distances, axis=-1, keepdims=True)
        difference = tf.stop_gradient(unlike_behind(start_frame, nearest))
        seen = _LIKE + (_UNLIKE - _LIKE) * tf.sigmoid((difference - _DIFFERENCE) / _SURE)
        body = tf.sigmoid((_RADIUS - nearest) / _EDGE + seen + learned[..., :1])
        weights = tf.nn.softmax(blend_logits(distances) + learned[..., 1:])
        shown = body * weights
        core = np.float32([_TRUNK_CORE, *[_CORE] * (self.num_bones - 1)])
        whole = shown + body * (1.0 - weights) * tf.sigmoid((core - distances) / _EDGE)
        certain = tf.broadcast_to(tf.nn.avg_pool2d(body, _RIM, 1, "SAME"), tf.shape(weights))
        return tf.transpose(tf.stack([shown, whole, certain], axis=-1), [0, 3, 1, 2, 4])

    def _frame_t(self, brought, moved, body, colors):
        """Frame t as the bones bring it, as ``call`` returns it with frames and clips in one dimension.

        Args:
          brought: float32 [N,L,H,W,2], pixel p of frame t was at p - brought, if the bone has moved it.
          moved: float32 [N,H,W,2], how far frame 0's pixels go, as far as they are the body's.
          body, colors: of ``_body`` and frame 0's, float32 [N,L,H,W,3] each.
        """
        body_0 = tf.reduce_sum(body[..., :1], axis=1)
        parts = fold_time(tf.concat([body, colors], axis=-1))
        parts = warp(parts, fold_time(brought), method=self._config["warp_method"])
        body, colors = tf.split(tf.reshape(parts, [*tf.unstack(tf.shape(brought)[:-1]), 6]), 2, axis=-1)
        shown, whole, around = tf.split(body * _within_reach(brought), 3, axis=-1)
        order = tf.exp(self.order)[:, None, None, None]
        counts = order * tf.maximum(around, _OUTERMOST) ** _INNER * (shown + _HIDDEN_WEIGHT * (whole - shown))
        counts = (counts / (tf.reduce_max(counts, axis=1, keepdims=True) + _SMALLEST)) ** _SHARPNESS
        foreground = tf.minimum(tf.reduce_sum(whole, axis=1), 1.0)
        seen = _mean(shown / (whole + _EPSILON) * in_frame_mask(brought), counts)
        # The wall is hidden where the body was, and what has left has coloured what lies around it.
        left = body_0 * tf.minimum(tf.norm(moved + _EPSILON, axis=-1, keepdims=True), 1.0)
        clean = 1.0 - tf.nn.max_pool2d(tf.stop_gradient(left), _RIM, 1, "SAME")
        if not self._config["visible"]:
            seen, clean = tf.ones_like(seen), tf.ones_like(clean)
        shares = [foreground * seen, (1.0 - foreground) * clean]
        visibility = tf.add_n(shares)
        return {
            "flow": _inside(foreground) * _mean(brought, counts),
            "body": _mean(colors, counts),
            "visibility": visibility,
            "foreground": foreground,
            "moved_share": shares[0] / tf.maximum(visibility, _HARDLY),
            "hidden_share": foreground * (1.0 - seen) / tf.maximum(1.0 - visibility, _HARDLY),
        }

    def _visibility_backward(self, outputs):
        flow, flow_backward = outputs["flow"], outputs["flow_backward"]
        if not self._config["visible"]:
            return {"visibility_backward": tf.ones_like(flow[..., :1])}
        _, visible = consistent_visibility(flow, flow_backward, self._config["warp_method"])
        return {"visibility_backward": visible}


def _mean(values, weights):
    """Of values [N,L,H,W,C] over the bones, by weights [N,L,H,W,1]; 0 where all are 0."""
    return tf.reduce_sum(weights * values, axis=1) / (tf.reduce_sum(weights, axis=1) + _EPSILON)


def _within_reach(brought):
    """1 where pixels came from the picture or from a little beyond it, [N,L,H,W,1]: nothing goes on for ever."""
    size = tf.shape(brought)[2:4]
    source, last = pixel_grid((size[0], size[1])) - brought, tf.cast(size - 1, tf.float32)
    outside = tf.reduce_max(tf.maximum(-source, source - last), axis=-1, keepdims=True)
    return tf.clip_by_value(2.0 - outside / (_BEYOND * tf.cast(size[0], tf.float32)), 0.0, 1.0)


def _inside(body):
    """Where a soft mask is the body's: half of a flow is nobody's flow."""
    return tf.cast(body > 0.5, tf.float32)
