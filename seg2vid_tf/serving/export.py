"""Export: Seg2Vid -> <root>/<name>/<version>/ and its encoder (layout.py), SavedModels that were proved beforehand.

A server picks up a numeric folder the moment it appears, so each is written beside its target, run through the session
loader on every signature, compared with the model in memory, and renamed only then.
"""

import contextlib
import functools
import json
import os
import pathlib
import shutil
from collections.abc import Callable

import keras
import tensorflow as tf

import seg2vid_tf
from seg2vid_tf.compat import raw_variables
from seg2vid_tf.files import new_folders
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.serving.layout import DESCRIPTION, ENCODER, parts, versions
from seg2vid_tf.serving.prediction_log import can_log
from seg2vid_tf.serving.session_loader import SessionLoader
from seg2vid_tf.serving.signatures import ENCODER_SIGNATURES, describe, signatures
from seg2vid_tf.serving.slim import slim
from seg2vid_tf.serving.verify import answers, check_servable, verify
from seg2vid_tf.serving.warmup import write_warmup


def export(
    model: Seg2Vid,
    root: str | os.PathLike,
    name: str,
    version: int | None = None,
    card: str = "",
    say: Callable[[str], None] = lambda text: None,
) -> pathlib.Path:
    """Exports a model and proves it; with warm-up requests, where their package is installed.

    Args:
      model: with trained weights, built outside any strategy.
      root: folder of all models, "saved_models".
      name: the model's.
      version: a positive integer; one above the newest by default.
      card: the model card's text, Markdown.
      say: told what is done now, as each step takes seconds.

    Returns:
      The version folder; its encoder lies in ``layout.encoder_folder`` of it.

    Raises:
      ValueError: the version exists, a server could not run the exported model, or it does not answer as the one in
        memory does.
    """
    folder = pathlib.Path(root) / name
    known = [0, *versions(folder), *versions(folder / ENCODER)]
    version = version if version is not None else max(known) + 1
    if version < 1:
        raise ValueError(f"version must be a positive integer, received {version}")
    targets = parts(folder / str(version), signatures(model), describe(model)["encoder"])
    for target in targets:
        if target.exists():
            raise ValueError(f"{target} exists: a version never changes, give another --version")
    say("asking the trained model, for what its export must answer")
    expected = answers(model)
    with contextlib.ExitStack() as stack:
        made = []
        for target, names in targets.items():
            stack.enter_context(new_folders(target.parent))
            temporary = target.parent / f".{version}.{os.getpid()}.tmp"
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
            _make_part(model, temporary, name, {key: expected[key] for key in sorted(names)}, card, say)
            made.append((temporary, target))
        # The encoder first: a version that a server or a pipeline finds is all there.
        renamed = []
        try:
            for temporary, target in reversed(made):
                os.rename(temporary, target)
                renamed.append(target)
        except OSError:
            for target in renamed:
                shutil.rmtree(target)
            raise
    return folder / str(version)


def _make_part(model, path, name, expected, card, say):
    """Writes one SavedModel of the signatures that are expected, and proves it."""
    say(f"tracing and writing {', '.join(expected)}")
    _save(model, path, expected)
    if not expected.keys() & set(ENCODER_SIGNATURES):  # the encoder is described by its model
        _write_description(path, model, card)
    check_servable(path)
    say("loading them as TensorFlow Serving does (its session loader) and asking them the same")
    with SessionLoader(path) as loaded:
        verify(expected, loaded, str(path))
    if can_log():
        write_warmup(path, name, {signature: inputs for signature, (inputs, _) in expected.items()})


def _save(model, path, names):
    # keras.export.ExportArchive writes the same model but traces every signature two or three times.
    shared = functools.partial(tf.function, autograph=False)
    traced = {
        name: tf.function(function, input_signature=inputs).get_concrete_function()
        for name, (function, inputs) in signatures(model, shared).items()
        if name in names
    }
    shell = tf.Module()
    networks = (model.generator, model.style_encoder, model.motion)
    used = {v.ref() for function in traced.values() for v in function.variables}
    # Raw variables: a server does not find those of a Keras 3 model.
    weights = [v for network in networks if network is not None for v in raw_variables(network)]
    shell.weights = [v for v in weights if v.ref() in used]
    # Nobody trains a served model, and the gradients of its warps are half of its functions.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(shell, str(path), signatures=traced, options=options)
    slim(path)


def _write_description(folder, model, card):
    document = {
        **describe(model),
        "versions": {"seg2vid_tf": seg2vid_tf.__version__, "tensorflow": tf.__version__, "keras": keras.__version__},
    }
    path = folder / DESCRIPTION
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (path.parent / "MODEL_CARD.md").write_text(card, encoding="utf-8")
