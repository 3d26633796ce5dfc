"""Export: Seg2Vid -> <root>/<name>/<version>/, a SavedModel that was proved before it got its name.

A server picks up a numeric folder the moment it appears, so the model is written beside its target, run through the
session loader on every signature, compared with the model in memory, and renamed only then.
"""

import json
import os
import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf

import seg2vid_tf
from seg2vid_tf.compat import raw_variables
from seg2vid_tf.files import new_folders
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.serving.session_loader import SessionLoader
from seg2vid_tf.serving.signatures import describe, signatures

DESCRIPTION = pathlib.Path("assets.extra") / "seg2vid.json"

# A pixel may round the other way where another graph sums in another order; flow may move by as much as that is worth.
PIXEL_TOLERANCE = 1
FLOAT_TOLERANCE = 1e-2


def export(
    model: Seg2Vid, root: str | os.PathLike, name: str, version: int | None = None, card: str = ""
) -> pathlib.Path:
    """Exports a model and proves it.

    Args:
      model: with trained weights, built outside any strategy.
      root: folder of all models, "saved_models".
      name: the model's.
      version: a positive integer; one above the newest by default.
      card: the model card's text, Markdown.

    Returns:
      The version folder.

    Raises:
      ValueError: the model has no stage 1, the version exists, or the exported model does not answer as the one in
        memory does.
    """
    if model.painter is None:
        raise ValueError("an export holds both stages and this model has no stage 1: train_start_frame.py trains it")
    folder = pathlib.Path(root) / name
    version = version if version is not None else max([0, *versions(folder)]) + 1
    if version < 1:
        raise ValueError(f"version must be a positive integer, received {version}")
    target = folder / str(version)
    if target.exists():
        raise ValueError(f"{target} exists: a version never changes, give another --version")
    temporary = folder / f".{version}.{os.getpid()}.tmp"
    with new_folders(folder):
        try:
            _save(model, temporary)
            _write_description(temporary, model, card)
            verify(model, temporary)
            os.rename(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return target


def _save(model, path):
    # keras.export.ExportArchive writes the same model but traces every signature two or three times.
    shell = tf.Module()
    networks = (model.generator, model.style_encoder, model.motion)
    # Raw variables: a server does not find those of a Keras 3 model.
    shell.weights = [v for network in networks if network is not None for v in raw_variables(network)]
    traced = {
        name: tf.function(function, input_signature=inputs).get_concrete_function()
        for name, (function, inputs) in signatures(model).items()
    }
    tf.saved_model.save(shell, str(path), signatures=traced)


def versions(folder: pathlib.Path) -> list[int]:
    """The versions of a model, oldest first."""
    return sorted(int(p.name) for p in folder.glob("*") if p.is_dir() and p.name.isdigit())


def verify(model: Seg2Vid, path: pathlib.Path) -> None:
    """Runs every signature of an export through the session loader on a batch of two.

    Raises:
      ValueError: an output differs from the model's in memory; it names the signature, the output and the difference.
    """
    functions = signatures(model)
    with SessionLoader(path) as loaded:
        for signature, inputs in example_inputs(model).items():
            function, _ = functions[signature]
            expected = function(**{name: tf.constant(value) for name, value in inputs.items()})
            served = loaded.run(signature, inputs)
            for name, value in expected.items():
                _compare(f"{path}: {signature}: {name}", value.numpy(), served[name])


def example_inputs(model: Seg2Vid) -> dict[str, dict[str, np.ndarray]]:
    """One fixed batch of two per signature, with every class of the spec and its ignore id in it."""
    rng = np.random.default_rng(0)
    height, width = model.size
    ids = np.array([*range(model.spec.num_classes), model.spec.ignore_id], np.uint8)
    label_map = np.kron(rng.choice(ids, (2, -(-height // 8), -(-width // 8))), np.ones((8, 8), np.uint8))
    label_map = np.ascontiguousarray(label_map[:, :height, :width])
    # Pictures that move by a pixel a frame: in noise nothing can be matched, and what is found hangs on the last bit.
    steps = model.motion.num_frames
    coarse = rng.uniform(0.0, 255.0, (2, height // 8 + 2, width // 8 + 2, 3))
    scene = np.round(tf.image.resize(coarse, (height + steps, width + steps))).astype(np.uint8)
    frames = np.stack([scene[:, steps - t :][:, :height, t : t + width] for t in range(steps + 1)], axis=1)
    style = rng.standard_normal((2, model.generator.style_dim)).astype(np.float32)
    z = rng.standard_normal((2, model.motion.latent_dim)).astype(np.float32)
    instances = {}
    if model.painter.uses_instances:
        instances["instance_map"] = (label_map // 4).astype(np.int32)
    seed = np.array([3, 4], np.int64)
    label_map_png = np.array([tf.io.encode_png(m[..., None]).numpy() for m in label_map], object)
    inputs = {
        "serving_default": {"label_map_png": label_map_png, "seed": seed, **instances},
        "from_tensor": {"label_map": label_map, "style": style, "z": z, "seed": seed, **instances},
        "animate": {"start_frame": frames[:, 0], "label_map": label_map, "z": z},
        "encode_motion": {"frames": frames, "label_map": label_map},
    }
    if model.style_encoder is not None:
        inputs["encode_style"] = {"reference": frames[:, 0]}
    return inputs


def _compare(what, expected, served):
    if expected.dtype == object:
        expected, served = (np.stack([tf.io.decode_png(p).numpy() for p in a.ravel()]) for a in (expected, served))
    if expected.shape != served.shape or expected.dtype != served.dtype:
        raise ValueError(f"{what}: {served.dtype} {served.shape}, in memory {expected.dtype} {expected.shape}")
    difference = float(np.max(np.abs(served.astype(np.float64) - expected.astype(np.float64)), initial=0.0))
    tolerance = PIXEL_TOLERANCE if expected.dtype == np.uint8 else FLOAT_TOLERANCE
    if not difference <= tolerance:
        raise ValueError(f"{what}: differs by {difference:.3g} from the model in memory, allowed {tolerance}")


def _write_description(folder, model, card):
    document = {
        **describe(model),
        "versions": {"seg2vid_tf": seg2vid_tf.__version__, "tensorflow": tf.__version__, "keras": keras.__version__},
    }
    path = folder / DESCRIPTION
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (path.parent / "MODEL_CARD.md").write_text(card, encoding="utf-8")
