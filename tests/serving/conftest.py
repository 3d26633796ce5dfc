"""What the tests of the served model share: its inputs, its signatures as Python loads them, and a PNG writer."""

import io

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.serving.verify import answers


@pytest.fixture(scope="session")
def expected(seg2vid):
    """{signature: (example inputs of batch 2, what the tiny model in memory answers)}."""
    return answers(seg2vid)


@pytest.fixture(scope="session")
def examples(expected):
    """{signature: {input: array of batch 2}}."""
    return {signature: inputs for signature, (inputs, _) in expected.items()}


@pytest.fixture(scope="session")
def served(saved_model):
    """served(signature, **arrays) -> {output: array}, through tf.saved_model.load and TensorFlow's graph optimiser."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(saved_model))

    def run(signature, **inputs):
        outputs = loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return run


def encode_png(array, mode=None, image_format="PNG") -> bytes:
    """An array as the bytes of a picture file."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(array))
    (image.convert(mode) if mode else image).save(buffer, format=image_format)
    return buffer.getvalue()


@pytest.fixture(scope="session", name="encode_png")
def _encode_png():
    return encode_png
