"""One Clip <-> one tf.train.Example: the record format of the shards (schema version 1).

    clip_id                          bytes
    length, height, width            int64: L, H, W
    frames                           L x JPEG or PNG bytes, RGB
    label_maps                       L x PNG bytes, 8-bit grey
    instance_maps                    L x PNG bytes, 16-bit grey; absent where the source has none
    flow, flow_backward              L-1 x H*W*2 little-endian float32, (dy, dx) pixels; absent without motion
    visibility, visibility_backward  L-1 x PNG bytes, 8-bit grey, 255 = visible; absent without motion

Frames stay encoded one by one, so that a window of a clip decodes only its own frames.
"""

import errno
import io
import os

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from PIL import Image

from seg2vid_tf.data.clip import Clip

FLOWS = ("flow", "flow_backward")
VISIBILITIES = ("visibility", "visibility_backward")
MOTION = (*FLOWS, *VISIBILITIES)
IMAGE_FORMATS = ("png", "jpeg")


def serialize_clip(clip: Clip, *, image_format: str, quality: int, include_motion: bool) -> bytes:
    """The record of a clip.

    Args:
      clip: what to store.
      image_format: of the frames: "png" (lossless) or "jpeg" (4:4:4).
      quality: 1..100, for JPEG only.
      include_motion: whether flow and visibility are stored; the clip must have them. Visibility is kept to 1/255.
    """
    length, height, width = clip.label_maps.shape
    lists = {
        "frames": [_encode(frame, image_format, quality) for frame in clip.frames],
        "label_maps": [_encode(label_map) for label_map in clip.label_maps],
    }
    if clip.instance_maps is not None:
        lists["instance_maps"] = [_encode(instance_map) for instance_map in clip.instance_maps]
    if include_motion:
        for name in FLOWS:
            lists[name] = [flow.astype("<f4").tobytes() for flow in getattr(clip, name)]
        for name in VISIBILITIES:
            lists[name] = [_encode(np.rint(v[..., 0] * 255).astype(np.uint8)) for v in getattr(clip, name)]
    feature = {k: tf.train.Feature(bytes_list=tf.train.BytesList(value=v)) for k, v in lists.items()}
    feature["clip_id"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[clip.clip_id.encode()]))
    for name, value in (("length", length), ("height", height), ("width", width)):
        feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    # The order of a map's entries is otherwise the process's own: the same clip would be other bytes elsewhere.
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString(deterministic=True)


def _encode(array: np.ndarray, image_format: str = "png", quality: int = 95) -> bytes:
    buffer = io.BytesIO()
    options = {"quality": quality, "subsampling": 0} if image_format == "jpeg" else {}
    Image.fromarray(array).save(buffer, format=image_format, **options)
    return buffer.getvalue()


def parse_clip(record: bytes) -> Clip:
    """The Clip of a record, everything decoded (in Python; windows of training data are decoded by parse_window)."""
    try:
        feature = tf.train.Example.FromString(record).features.feature
    except DecodeError as error:
        raise ValueError(f"the record is no tf.train.Example ({error})") from error
    missing = {"clip_id", "height", "width", "frames", "label_maps"} - set(feature)
    if missing:
        raise ValueError(f"the record lacks {sorted(missing)}")
    height, width = (feature[name].int64_list.value[0] for name in ("height", "width"))

    def stacked(name, decode):
        values = feature[name].bytes_list.value if name in feature else ()
        return np.stack([decode(v) for v in values]) if values else None

    has_motion = "flow" in feature
    empty = {"flow": (0, height, width, 2), "visibility": (0, height, width, 1)}
    motion = {}
    for name in MOTION if has_motion else ():
        if name in FLOWS:
            value = stacked(name, lambda v: np.frombuffer(v, "<f4").reshape(height, width, 2).astype(np.float32))
        else:
            value = stacked(name, lambda v: (_decode(v)[..., None] / 255).astype(np.float32))
        # A clip of one frame has motion of no steps.
        motion[name] = np.zeros(empty[name.removesuffix("_backward")], np.float32) if value is None else value
    return Clip(
        feature["clip_id"].bytes_list.value[0].decode(),
        frames=stacked("frames", _decode),
        label_maps=stacked("label_maps", _decode),
        instance_maps=stacked("instance_maps", lambda v: _decode(v).astype(np.uint16)),
        **motion,
    )


def read_first_maps(file: str | os.PathLike, number: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Label map uint8 [H, W] and instance map uint16 [H, W], or None, of frame 0 of a shard's record; no frame is read.

    Raises:
      ValueError: there is no such record, or it is damaged.
      OSError: the disk fails.
    """
    damaged = tf.errors.DataLossError, tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError
    try:
        record = tf.data.TFRecordDataset(str(file)).skip(number).take(1).get_single_element().numpy()
        feature = tf.train.Example.FromString(record).features.feature
    except (DecodeError, *damaged, tf.errors.NotFoundError) as error:
        raise ValueError(f"{file}, record {number}: corrupt shard ({error}); prepare the data again") from error
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, str(error), str(file)) from error
    instances = feature["instance_maps"].bytes_list.value if "instance_maps" in feature else ()
    label_map = _decode(feature["label_maps"].bytes_list.value[0])
    return label_map, _decode(instances[0]).astype(np.uint16) if instances else None


def _decode(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def parse_window(
    record: tf.Tensor,
    start: tf.Tensor,
    *,
    num_frames: int,
    stride: int,
    size: tuple[int, int],
    image_format: str,
    with_motion: bool,
    with_instances: bool = False,
    with_clip_ids: bool = False,
) -> dict[str, tf.Tensor]:
    """Decodes, in a graph, the frames start, start + stride, ..., start + T * stride of a record.

    Args:
      record: scalar string.
      start: scalar integer; with_motion needs 0, since a record's flow starts at its frame 0.
      num_frames: T.
      stride: distance between the window's frames.
      size: (height, width) of the record.
      image_format: of its frames.
      with_motion: whether to decode flow and visibility.
      with_instances: whether to decode instance maps.
      with_clip_ids: whether to say which clip it is.

    Returns:
      frames uint8 [T+1, H, W, 3], label_maps uint8 [T+1, H, W]; with motion also flow and flow_backward float32
      [T, H, W, 2], visibility and visibility_backward float32 [T, H, W, 1]; with instances also instance_maps int32
      [T+1, H, W], 0 = no instance; with clip ids also clip_id string [].
    """
    height, width = size
    keys = ("frames", "label_maps", *(("instance_maps",) if with_instances else ()), *(MOTION if with_motion else ()))
    lists = tf.io.parse_single_example(
        record, {key: tf.io.FixedLenSequenceFeature([], tf.string, allow_missing=True) for key in keys}
    )

    def frame(data):
        # The fast inverse transform, the default, differs from Pillow's and from machine to machine.
        jpeg = image_format == "jpeg"
        decoded = tf.io.decode_jpeg(data, 3, dct_method="INTEGER_ACCURATE") if jpeg else tf.io.decode_png(data, 3)
        return tf.ensure_shape(decoded, [height, width, 3])

    def grey(data, dtype=tf.uint8):
        return tf.ensure_shape(tf.io.decode_png(data, 1, dtype), [height, width, 1])

    def flow(data):
        return tf.reshape(tf.io.decode_raw(data, tf.float32, little_endian=True), [height, width, 2])

    def stacked(key, decode, offsets):
        return tf.stack([decode(lists[key][start + offset]) for offset in offsets])

    window = range(0, num_frames * stride + 1, stride)
    outputs = {"frames": stacked("frames", frame, window), "label_maps": stacked("label_maps", grey, window)[..., 0]}
    if with_instances:
        # int32, because hardly any operation takes uint16.
        numbers = stacked("instance_maps", lambda data: grey(data, tf.uint16), window)[..., 0]
        outputs["instance_maps"] = tf.cast(numbers, tf.int32)
    if with_clip_ids:
        feature = {"clip_id": tf.io.FixedLenFeature([], tf.string)}
        outputs |= tf.io.parse_single_example(record, feature)
    if with_motion:
        # Entry t of a motion list belongs to frame t + 1.
        steps = [offset - 1 for offset in window[1:]]
        for key in FLOWS:
            outputs[key] = stacked(key, flow, steps)
        for key in VISIBILITIES:
            outputs[key] = tf.cast(stacked(key, grey, steps), tf.float32) / 255.0
    return outputs
