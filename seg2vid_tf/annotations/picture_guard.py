"""JPEG or PNG bytes -> frame inside a graph, refused from the header where the size is another: no bomb is decoded.

Standard operations only, as in png_guard.py; a refusal names the input.
"""

import tensorflow as tf

from seg2vid_tf.annotations.png_file import PNG_START
from seg2vid_tf.annotations.png_guard import after, header_of, png_size

_JPEG_START = b"\xff\xd8\xff"


def decode_picture(data: tf.Tensor, size: tuple[int, int], name: str) -> tf.Tensor:
    """Decodes one picture; inside ``tf.map_fn`` for a batch (fn_output_signature=tf.uint8).

    Args:
      data: scalar string, a JPEG or PNG file; grey ones become RGB, transparency is left out, 16 bits become 8. It is
        taken as it is stored: a tag that says how it was held turns nothing here.
      size: the (height, width) it must have.
      name: of the input, for messages.

    Returns:
      uint8 [height, width, 3].

    Raises:
      tf.errors.InvalidArgumentError: neither JPEG nor PNG, another size (both before anything is decoded), or so
        damaged that it cannot be decoded.
    """
    height, width = size
    data = tf.ensure_shape(data, [])
    header = header_of(data)
    is_png = tf.reduce_all(header[: len(PNG_START)] == tf.constant(list(PNG_START), tf.int64))
    is_jpeg = tf.reduce_all(header[: len(_JPEG_START)] == tf.constant(list(_JPEG_START), tf.int64))
    length = tf.strings.length(data)
    with after(is_png | is_jpeg, f"{name}: neither a JPEG nor a PNG file, its length in bytes:", length):
        # The name shows in the message of a file that is damaged.
        found = tf.cond(
            is_png,
            lambda: png_size(header),
            lambda: tf.cast(tf.raw_ops.ExtractJpegShape(contents=data, name=name)[:2], tf.int64),
        )
    expected = f"{name}: expected height x width {height}x{width}, received:"
    with after(tf.reduce_all(found == [height, width]), expected, found, "resize it, upright"):
        picture = tf.raw_ops.DecodeImage(contents=data, channels=3, expand_animations=False, name=name)
    return tf.ensure_shape(picture, [height, width, 3])
