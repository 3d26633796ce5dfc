"""An export as TensorFlow Serving sees it: through the session loader."""

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.serving.session_loader import run_signature

TENSORS = {"frames", "flow", "flow_backward", "visibility", "visibility_backward"}
SIGNATURES = {
    "serving_default": ({"label_map_png", "seed"}, {"frames_bytes"}),
    "from_tensor": ({"label_map", "style", "z"}, TENSORS),
    "animate": ({"start_frame", "label_map", "z"}, TENSORS),
    "reconstruct": ({"frames", "label_map"}, TENSORS),
}


def test_signatures_have_their_documented_names_and_types(saved_model):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        found = dict(tf.compat.v1.saved_model.load(session, ["serve"], str(saved_model)).signature_def)
    found.pop("__saved_model_init_op", None)
    assert {name: (set(s.inputs), set(s.outputs)) for name, s in found.items()} == SIGNATURES
    types = {"label_map_png": tf.string, "seed": tf.int64, "style": tf.float32, "z": tf.float32}
    for signature in found.values():
        for name, tensor in signature.inputs.items():
            assert tf.as_dtype(tensor.dtype) == types.get(name, tf.uint8)
            assert tensor.tensor_shape.dim[0].size == -1, "the batch is free"


def test_same_seed_same_bytes_after_every_load(saved_model, examples):
    inputs = examples["serving_default"]
    first, second = (run_signature(saved_model, "serving_default", inputs)["frames_bytes"] for _ in range(2))
    assert first.shape == (2, 3) and first.dtype == object
    assert first.tolist() == second.tolist()
    assert len(set(first.ravel())) == first.size, "six pictures, none like another"


def test_bad_input_is_refused_there_too(saved_model, examples):
    from_tensor = examples["from_tensor"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="z and label_map must have the same batch size"):
        run_signature(saved_model, "from_tensor", {**from_tensor, "z": from_tensor["z"][:1]})
    png = examples["serving_default"]["label_map_png"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="label_map_png: not a PNG file"):
        run_signature(
            saved_model,
            "serving_default",
            {"label_map_png": np.array([png[0], b""], object), "seed": np.zeros(2, np.int64)},
        )


def test_unknown_signature_and_inputs_are_refused_by_name(saved_model):
    with pytest.raises(ValueError, match="no signature 'predict', it has .*'animate', 'from_tensor'"):
        run_signature(saved_model, "predict", {})
    with pytest.raises(ValueError, match=r"reconstruct takes \['frames', 'label_map'\], received \['frames'\]"):
        run_signature(saved_model, "reconstruct", {"frames": np.zeros(1)})
