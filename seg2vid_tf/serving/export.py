"""Export: Seg2Vid -> <root>/<name>/<version>/, a SavedModel that was proved before it got its name.

A server picks up a numeric folder the moment it appears, so the model is written beside its target, run through the
session loader on every signature, compared with the model in memory, and renamed only then.
"""

import functools
import json
import os
import pathlib
import re
import shutil

import keras
import tensorflow as tf

import seg2vid_tf
from seg2vid_tf.compat import raw_variables
from seg2vid_tf.files import new_folders
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.serving.prediction_log import can_log
from seg2vid_tf.serving.session_loader import SessionLoader
from seg2vid_tf.serving.signatures import describe, signatures
from seg2vid_tf.serving.verify import answers, check_servable, verify
from seg2vid_tf.serving.warmup import write_warmup

DESCRIPTION = pathlib.Path("assets.extra") / "seg2vid.json"


def export(
    model: Seg2Vid, root: str | os.PathLike, name: str, version: int | None = None, card: str = ""
) -> pathlib.Path:
    """Exports a model and proves it; with warm-up requests, where their package is installed.

    Args:
      model: with trained weights, built outside any strategy.
      root: folder of all models, "saved_models".
      name: the model's.
      version: a positive integer; one above the newest by default.
      card: the model card's text, Markdown.

    Returns:
      The version folder.

    Raises:
      ValueError: the version exists, a server could not run the exported model, or it does not answer as the one in
        memory does.
    """
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
            check_servable(temporary)
            expected = answers(model)
            with SessionLoader(temporary) as loaded:
                verify(expected, loaded, str(temporary))
            if can_log():
                write_warmup(temporary, name, {signature: inputs for signature, (inputs, _) in expected.items()})
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
    shared = functools.partial(tf.function, autograph=False)
    traced = {
        name: tf.function(function, input_signature=inputs).get_concrete_function()
        for name, (function, inputs) in signatures(model, shared).items()
    }
    tf.saved_model.save(shell, str(path), signatures=traced)


def versions(folder: pathlib.Path) -> list[int]:
    """The versions of a model, oldest first: sub-folders whose names are positive numbers as one writes them."""
    return sorted(int(p.name) for p in folder.glob("*") if p.is_dir() and re.fullmatch("[1-9][0-9]{0,17}", p.name))


def newest_version(folder: pathlib.Path) -> pathlib.Path:
    """A version folder itself, or the newest one of a model folder.

    Raises:
      ValueError: it is neither.
    """
    if (folder / "saved_model.pb").exists():
        return folder
    found = versions(folder)
    if not found:
        raise ValueError(f"{folder} is neither a model folder (<version>/saved_model.pb in it) nor a version folder")
    return folder / str(found[-1])


def read_description(folder: pathlib.Path) -> dict:
    """What ``describe`` said of the model in a version folder.

    Raises:
      ValueError: there is no such document, or it is another version's.
    """
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{folder} has no {DESCRIPTION}: it was not written by experiments/export.py") from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON, export the model again: {error}") from error
    needed = {"spec", "size", "stages", "num_frames", "style_dim", "latent_dim", "background_latent"}
    needed |= {"instance_boundary", "temperature", "smoothness"}
    missing = needed - set(description)
    if missing:
        raise ValueError(f"{path} lacks {sorted(missing)}: it was written by another version, export the model again")
    return description


def _write_description(folder, model, card):
    document = {
        **describe(model),
        "versions": {"seg2vid_tf": seg2vid_tf.__version__, "tensorflow": tf.__version__, "keras": keras.__version__},
    }
    path = folder / DESCRIPTION
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (path.parent / "MODEL_CARD.md").write_text(card, encoding="utf-8")
