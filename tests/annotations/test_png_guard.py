"""The in-graph PNG guard: equal to Pillow on good files; bad files are refused by name, also in an exported graph."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from seg2vid_tf.annotations.png_guard import decode_label_map_png
from seg2vid_tf.annotations.spec import load_spec

SPEC = load_spec("synthetic_street")
SIZE = (32, 48)
IDS = np.random.default_rng(0).choice([*range(9), 255], SIZE).astype(np.uint8)


def _encode(array, image_format="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format=image_format)
    return buffer.getvalue()


def _palette():
    image = Image.fromarray(IDS).convert("P")
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def _damaged():
    data = bytearray(_encode(IDS))
    data[len(data) // 2] ^= 0xFF
    return bytes(data)


GOOD = _encode(IDS)
BAD = {
    "jpeg": (_encode(IDS, "JPEG"), "not a PNG file"),
    "empty": (b"", "not a PNG file"),
    "text": (b"no picture at all, but longer than a header", "not a PNG file"),
    "rgb": (_encode(np.zeros((*SIZE, 3), np.uint8)), "received bit depth"),
    "palette": (_palette(), "received bit depth"),
    "alpha": (_encode(np.zeros((*SIZE, 4), np.uint8)), "received bit depth"),
    "16 bit": (_encode(np.zeros(SIZE, np.uint16)), "received bit depth"),
    "bomb": (GOOD[:16] + struct.pack(">II", 12000, 12000) + GOOD[24:], r"expected height x width 32x48(.|\n)*12000"),
    "other size": (_encode(IDS[:, :32]), "expected height x width 32x48, received height"),
    "header only": (GOOD[:26], "truncated PNG"),
    "truncated": (GOOD[: len(GOOD) // 2], "truncated PNG"),
    "damaged": (_damaged(), ""),
    "unknown id": (_encode(np.full(SIZE, 77, np.uint8)), r"id outside spec synthetic_street(.|\n)*77"),
}


@pytest.fixture(scope="module")
def batch_decoder():
    return tf.function(
        lambda png: tf.map_fn(lambda p: decode_label_map_png(p, SPEC, SIZE), png, fn_output_signature=tf.uint8),
        input_signature=[tf.TensorSpec([None], tf.string)],
    )


def test_good_files_decode_as_in_pillow(batch_decoder):
    other = np.full(SIZE, 255, np.uint8)
    out = batch_decoder(tf.constant([GOOD, _encode(other)]))
    np.testing.assert_array_equal(out, [IDS, other])
    np.testing.assert_array_equal(decode_label_map_png(tf.constant(GOOD), SPEC, SIZE), IDS)


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_by_name(batch_decoder, kind):
    data, message = BAD[kind]
    with pytest.raises(tf.errors.InvalidArgumentError, match=f"label_map_png(.|\n)*{message}"):
        batch_decoder(tf.constant([GOOD, data]))


def test_the_guard_travels_with_an_export(tmp_path, batch_decoder):
    module = tf.Module()
    module.decode = batch_decoder
    tf.saved_model.save(
        module,
        str(tmp_path / "m"),
        signatures=tf.function(
            lambda png: {"label_map": batch_decoder(png)}, input_signature=[tf.TensorSpec([None], tf.string)]
        ),
    )
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signature = tf.compat.v1.saved_model.load(session, ["serve"], str(tmp_path / "m")).signature_def[
            "serving_default"
        ]
        (source,) = signature.inputs.values()
        fetch = signature.outputs["label_map"].name
        np.testing.assert_array_equal(session.run(fetch, {source.name: [GOOD]}), [IDS])
        for kind in ("rgb", "bomb", "truncated", "unknown id"):
            data, message = BAD[kind]
            with pytest.raises(tf.errors.InvalidArgumentError, match=f"label_map_png(.|\n)*{message}"):
                session.run(fetch, {source.name: [data]})
