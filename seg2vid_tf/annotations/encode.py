"""Label map -> annotation, in TensorFlow: one-hot channels.

label_map uint8 [..., H, W] -> annotation float32 [..., H, W, K]; channel k is class k; an ignored pixel sets none.
"""

import tensorflow as tf

from seg2vid_tf.annotations.spec import AnnotationSpec


def encode_label_map(label_map: tf.Tensor, spec: AnnotationSpec, name: str = "label_map") -> tf.Tensor:
    """One-hot channels of a label map.

    Args:
      label_map: uint8 or integer [..., H, W], ids of the spec or its ignore id.
      spec: what the ids mean.
      name: what the error message calls it.

    Returns:
      float32 [..., H, W, K] of zeros and ones; ignored pixels are zero in every channel.

    Raises:
      ValueError: the dtype is not an integer.
      tf.errors.InvalidArgumentError: an id outside the spec; the message holds the largest one.
    """
    return tf.one_hot(check_ids(label_map, spec, name), spec.num_classes, dtype=tf.float32)


def check_ids(label_map: tf.Tensor, spec: AnnotationSpec, name: str = "label_map") -> tf.Tensor:
    """``label_map`` as int32, after an in-graph assertion that every id is of the spec or its ignore id."""
    label_map = tf.convert_to_tensor(label_map)
    if not label_map.dtype.is_integer:
        raise ValueError(f"{name}: dtype {label_map.dtype.name}, expected uint8 class ids")
    ids = tf.cast(label_map, tf.int32)
    known = ((ids >= 0) & (ids < spec.num_classes)) | (ids == spec.ignore_id)
    # one_hot would give an unknown id a zero row, the same as an ignored pixel.
    check = tf.debugging.Assert(
        tf.reduce_all(known),
        [
            f"{name}: id outside spec {spec.name} (0..{spec.num_classes - 1}, {spec.ignore_id} = ignored), largest:",
            tf.reduce_max(tf.where(known, -1, ids)),
        ],
    )
    with tf.control_dependencies([check] if check is not None else []):  # eagerly Assert raises and returns None
        return tf.identity(ids)
