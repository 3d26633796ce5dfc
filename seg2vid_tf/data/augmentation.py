"""Augmentation of windows: frames, label and instance maps, flow and visibility change together.

    mirror    left-right mirror image; a flow's dx changes its sign, a left arm becomes a right one
    crop      one part of all frames, brought to the size afterwards
    reverse   the last frame first; for windows without exact motion, which belongs to the first frame
    recolor   another brightness, contrast and saturation of all frames alike; what they show stays what it is

Each draw is made of the stream's seed and the window's position in it alone, so a resumed run sees the same windows.
"""

import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip_record import FLOWS, MOTION
from seg2vid_tf.ops.occlusion import in_frame_mask

# Keep the augmentations' draws apart from each other and from the permutations', which use the plain seed.
_FLIP_STREAM = 0x666C6970
_CROP_STREAM = 0x63726F70
_REVERSE_STREAM = 0x72657665
_COLOR_STREAM = 0x636F6C6F


def randomly_cropped(example: dict, size: tuple[int, int], crop: float, seed: int, position: tf.Tensor) -> dict:
    """A random part of a window of that (height, width), of its aspect ratio up to rounding."""
    share, top, left = tf.unstack(tf.random.stateless_uniform([3], [seed ^ _CROP_STREAM, position], alg="philox"))
    share = crop + (1.0 - crop) * share
    height, width = (tf.cast(tf.round(share * side), tf.int32) for side in size)
    top = tf.cast(top * tf.cast(size[0] - height + 1, tf.float32), tf.int32)
    left = tf.cast(left * tf.cast(size[1] - width + 1, tf.float32), tf.int32)
    cropped = {name: value[:, top : top + height, left : left + width] for name, value in example.items()}
    if "flow" in cropped:
        # What lies outside the part has no correspondence in it.
        cropped["visibility"] *= in_frame_mask(cropped["flow"])
        cropped["visibility_backward"] *= in_frame_mask(-cropped["flow_backward"])
    return cropped


def randomly_mirrored(example: dict, spec: AnnotationSpec, seed: int, position: tf.Tensor) -> dict:
    """Half of the windows as their mirror image."""
    return tf.cond(is_mirrored(seed, position), lambda: mirror(example, spec), lambda: example)


def is_mirrored(seed: int, position: tf.Tensor) -> tf.Tensor:
    """Whether the window at a position is one that ``randomly_mirrored`` mirrors, bool."""
    return tf.random.stateless_uniform([], [seed ^ _FLIP_STREAM, position], alg="philox") < 0.5


def randomly_reversed(example: dict, seed: int, position: tf.Tensor) -> dict:
    """Half of the windows backwards in time; none may have exact motion."""
    draw = tf.random.stateless_uniform([], [seed ^ _REVERSE_STREAM, position], alg="philox")
    return {name: tf.where(draw < 0.5, value[::-1], value) for name, value in example.items()}


def randomly_recolored(example: dict, amount: float, seed: int, position: tf.Tensor) -> dict:
    """The window's frames, float32 in [-1, 1], recoloured by random shares of ``amount``."""
    draws = tf.random.stateless_uniform([3], [seed ^ _COLOR_STREAM, position], -amount, amount, alg="philox")
    return {**example, "frames": recolor(example["frames"], *tf.unstack(draws))}


def recolor(frames: tf.Tensor, brightness: float, contrast: float, saturation: float) -> tf.Tensor:
    """Frames of another brightness, contrast and saturation.

    Args:
      frames: float32 [..., H, W, 3] in [-1, 1].
      brightness: added to every value.
      contrast: share by which values move away from their mean over all frames.
      saturation: share by which colours move away from their grey.

    Returns:
      float32 of the same shape, clipped to [-1, 1]; three zeros change nothing.
    """
    grey = tf.reduce_mean(frames, axis=-1, keepdims=True)
    frames = grey + (1.0 + saturation) * (frames - grey)
    mean = tf.reduce_mean(frames)
    return tf.clip_by_value(mean + (1.0 + contrast) * (frames - mean) + brightness, -1.0, 1.0)


def mirror(example: dict[str, tf.Tensor], spec: AnnotationSpec) -> dict[str, tf.Tensor]:
    """Left-right mirror image of a window (or a batch).

    A flow's dx changes its sign; where the spec gives classes a mirror id, a left arm becomes a right one.
    """
    mirrored = {key: example[key][..., ::-1, :] for key in ("frames", *MOTION) if key in example}
    mirrored |= {key: example[key][..., ::-1] for key in ("label_maps", "instance_maps") if key in example}
    if spec.mirror_table is not None:
        table = tf.constant(spec.mirror_table, tf.uint8)
        mirrored["label_maps"] = tf.gather(table, tf.cast(mirrored["label_maps"], tf.int32))
    for key in FLOWS:
        if key in mirrored:
            mirrored[key] *= tf.constant([1.0, -1.0])
    return mirrored
