"""An export as TensorFlow Serving sees it: through the session loader."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.export_folder import encoder_folder
from seg2vid_tf.serving.session_loader import SessionLoader

TENSORS = {"frames", "flow", "flow_backward", "visibility", "visibility_backward", "label_maps"}
FILES = {"frames_bytes", "label_map_bytes"}
SIGNATURES = {
    "serving_default": ({"label_map_png", "seed"}, FILES),
    "from_tensor": ({"label_map", "style", "z", "seed"}, TENSORS),
    "animate": ({"start_frame_jpeg", "label_map_png", "seed"}, FILES),
    "continue": ({"start_frame_jpeg", "label_map_png", "seed", "chunk", "walk"}, FILES | {"motion_bytes"}),
    "animate_tensor": ({"start_frame", "label_map", "z"}, TENSORS),
}
ENCODER = {
    "encode_motion": ({"frames", "label_map"}, {"z_mean", "z_stddev"}),
    "encode_style": ({"reference"}, {"style"}),
}
TYPES = {
    "label_map_png": tf.string,
    "start_frame_jpeg": tf.string,
    "chunk": tf.int64,
    "walk": tf.float32,
    "seed": tf.int64,
    "instance_map": tf.int32,
    "style": tf.float32,
    "z": tf.float32,
}


def _names(path):
    """{signature: (input names, output names)}, after a look at the inputs' types."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = dict(tf.compat.v1.saved_model.load(session, ["serve"], str(path)).signature_def)
    found.pop("__saved_model_init_op", None)
    for signature in found.values():
        for name, tensor in signature.inputs.items():
            assert tf.as_dtype(tensor.dtype) == TYPES.get(name, tf.uint8)
            assert tensor.tensor_shape.dim[0].size == -1, "the batch is free"
    return {name: (set(s.inputs), set(s.outputs)) for name, s in found.items()}


def test_signatures_have_their_documented_names_and_types(saved_model):
    assert _names(saved_model) == SIGNATURES
    assert _names(encoder_folder(saved_model)) == ENCODER


def test_a_model_has_the_signatures_and_inputs_of_its_parts(saved_model_with_instances):
    expected = dict(SIGNATURES)
    for name in ("serving_default", "from_tensor"):
        inputs, outputs = expected[name]
        expected[name] = (inputs | {"instance_map"}, outputs)
    expected["recall"] = ({"label_map", "z"}, {"z"})  # it has a memory
    assert _names(saved_model_with_instances) == expected
    assert set(_names(encoder_folder(saved_model_with_instances))) == {"encode_motion"}  # and no style encoder


def test_same_seed_same_bytes_after_every_load(saved_model, examples):
    inputs = examples["serving_default"]
    first, second = (_frames_bytes(saved_model, inputs) for _ in range(2))
    assert first.shape == (2, 3) and first.dtype == object
    assert first.tolist() == second.tolist()
    assert len(set(first.ravel())) == first.size, "six pictures, none like another"


def _frames_bytes(path, inputs):
    with SessionLoader(path) as loaded:
        return loaded.run("serving_default", inputs)["frames_bytes"]


def test_bad_input_is_refused_there_too(session_loader, examples):
    from_tensor = examples["from_tensor"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="z and label_map must have the same batch size"):
        session_loader.run("from_tensor", {**from_tensor, "z": from_tensor["z"][:1]})
    png = examples["serving_default"]["label_map_png"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="label_map_png: not a PNG file"):
        session_loader.run(
            "serving_default", {"label_map_png": np.array([png[0], b""], object), "seed": np.zeros(2, np.int64)}
        )


def test_unknown_signature_and_inputs_are_refused_by_name(session_loader):
    with pytest.raises(
        ValueError, match="no signature 'predict', it has .*'animate', 'animate_tensor', 'continue', 'from_tensor'"
    ):
        session_loader.run("predict", {})
    with pytest.raises(ValueError, match=r"animate_tensor takes \['label_map', .*, 'z'\], received \['frames'\]"):
        session_loader.run("animate_tensor", {"frames": np.zeros(1)})
