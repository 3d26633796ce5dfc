"""PNG bytes -> label map inside a graph, refusing what tf.io.decode_png would quietly turn into wrong ids.

decode_png(channels=1) accepts JPEG, RGB, palette and 16-bit files and decodes any size; the header (bytes 0-25) is
therefore checked first. Standard operations only, so the guard travels with an exported model, and a refusal surfaces
as INVALID_ARGUMENT (HTTP 400) with a message that names the input ``label_map_png``.
"""

import tensorflow as tf

from seg2vid_tf.annotations.encode import check_ids
from seg2vid_tf.annotations.png_file import GREY, HEADER_BYTES, PNG_START
from seg2vid_tf.annotations.spec import AnnotationSpec

NAME = "label_map_png"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def decode_label_map_png(png_bytes: tf.Tensor, spec: AnnotationSpec, size: tuple[int, int]) -> tf.Tensor:
    """Decodes one label map; inside ``tf.map_fn`` for a batch (fn_output_signature=tf.uint8).

    Args:
      png_bytes: scalar string, an 8-bit grey PNG of class ids.
      spec: what the ids mean.
      size: the (height, width) the file must have.

    Returns:
      uint8 [height, width].

    Raises:
      tf.errors.InvalidArgumentError: not a PNG, truncated, another colour type, bit depth or size (all of these before
        anything is decoded), damaged data, or an id outside the spec.
    """
    height, width = size
    png_bytes = tf.ensure_shape(png_bytes, [])
    length = tf.strings.length(png_bytes)
    header = header_of(png_bytes)
    found_height, found_width = tf.unstack(png_size(header))
    depth, colour = header[24], header[25]
    end_start = tf.maximum(length - len(_PNG_END), 0)
    end = tf.strings.substr(png_bytes, end_start, len(_PNG_END))

    png = tf.reduce_all(header[: len(PNG_START)] == tf.constant(list(PNG_START), tf.int64))
    with after(png, f"{NAME}: not a PNG file, its length in bytes:", length, "send an 8-bit grey PNG of class ids"):
        grey = tf.identity((colour == GREY) & (depth == 8))
    with after(
        grey,
        f"{NAME}: expected an 8-bit grey PNG (bit depth 8, colour type 0), received bit depth:",
        depth,
        "and colour type (2 RGB, 3 palette, 4 and 6 with alpha):",
        colour,
        "save the class ids themselves",
    ):
        right_size = tf.identity((found_height == height) & (found_width == width))
    with after(
        right_size,
        f"{NAME}: expected height x width {height}x{width}, received height:",
        found_height,
        "and width:",
        found_width,
        "resize it by nearest neighbour",
    ):
        complete = tf.identity(end == _PNG_END)
    with after(complete, f"{NAME}: truncated PNG, its length in bytes:", length, "send the whole file"):
        # The name shows in the message of a file that is damaged inside.
        label_map = tf.io.decode_png(tf.identity(png_bytes), channels=1, dtype=tf.uint8, name=NAME)
    label_map = tf.ensure_shape(label_map[..., 0], [height, width])
    return tf.cast(check_ids(label_map, spec, NAME), tf.uint8)


def header_of(data: tf.Tensor) -> tf.Tensor:
    """A file's first HEADER_BYTES, int64; zeros where it is shorter."""
    # The padding keeps a short or empty string from failing without the input's name.
    padded = tf.strings.join([tf.strings.substr(data, 0, HEADER_BYTES), tf.constant(bytes(HEADER_BYTES))])
    return tf.cast(tf.io.decode_raw(tf.strings.substr(padded, 0, HEADER_BYTES), tf.uint8), tf.int64)


def png_size(header: tf.Tensor) -> tf.Tensor:
    """int64 [height, width] of a PNG's header."""
    return tf.stack([_big_endian(header[20:24]), _big_endian(header[16:20])])


def after(condition: tf.Tensor, *data):
    """Context in which operations run only once ``condition`` has been asserted."""
    check = tf.debugging.Assert(condition, list(data))
    return tf.control_dependencies([check] if check is not None else [])  # eagerly Assert raises and returns None


def _big_endian(four_bytes: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(four_bytes * tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64))
