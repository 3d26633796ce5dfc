"""Label map -> annotation, in TensorFlow: one-hot channels, and the instance boundary where it is used.

label_map uint8 [..., H, W] -> annotation float32 [..., H, W, K]; channel k is class k; an ignored pixel sets none.
instance_map int [..., H, W], 0 = no instance -> one channel more, 1 along the border of every instance.
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


def encode_annotation(label_map: tf.Tensor, spec: AnnotationSpec, instance_map: tf.Tensor | None = None) -> tf.Tensor:
    """``encode_label_map``, with ``instance_boundary`` as the last channel where an instance map is given."""
    annotation = encode_label_map(label_map, spec)
    if instance_map is None:
        return annotation
    return tf.concat([annotation, instance_boundary(instance_map)], axis=-1)


def decide_label_map(annotation: tf.Tensor, spec: AnnotationSpec) -> tf.Tensor:
    """The label map that an annotation of blurred classes comes closest to: what ``encode_label_map`` takes back.

    Args:
      annotation: float [..., H, W, K], each channel the share of a class, together at most 1.
      spec: what the channels mean.

    Returns:
      uint8 [..., H, W]: the class of the largest share, or the ignore id where what is missing to 1 is larger still.
    """
    unlabelled = 1.0 - tf.reduce_sum(annotation, axis=-1, keepdims=True)
    ids = tf.argmax(tf.concat([annotation, unlabelled], axis=-1), axis=-1, output_type=tf.int32)
    return tf.cast(tf.where(ids == spec.num_classes, spec.ignore_id, ids), tf.uint8)


def instance_boundary(instance_map: tf.Tensor) -> tf.Tensor:
    """Where one instance ends, so that two cars in a row are two.

    Args:
      instance_map: integer [..., H, W]; any numbers, equal within an instance.

    Returns:
      float32 [..., H, W, 1]: 1 where one of the four neighbours holds another number, else 0 (pix2pixHD, section 3.3).
    """
    instance_map = tf.convert_to_tensor(instance_map)
    down = instance_map[..., 1:, :] != instance_map[..., :-1, :]
    right = instance_map[..., 1:] != instance_map[..., :-1]
    rank = instance_map.shape.rank
    above, below = ([[0, 0]] * (rank - 2) + [rows, [0, 0]] for rows in ([0, 1], [1, 0]))
    before, behind = ([[0, 0]] * (rank - 1) + [columns] for columns in ([0, 1], [1, 0]))
    edge = tf.pad(down, above) | tf.pad(down, below) | tf.pad(right, before) | tf.pad(right, behind)
    return tf.cast(edge, tf.float32)[..., None]


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
