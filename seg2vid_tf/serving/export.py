"""Export: Seg2Vid -> <root>/<name>/<version>/ and what lies beside it (export_folder.py), proved beforehand.

A server picks up a numeric folder the moment it appears, so each is written beside its target, run through the session
loader on every signature, compared with the model in memory, and renamed only then.
"""

import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
from collections.abc import Callable

import keras
import tensorflow as tf

import seg2vid_tf
from seg2vid_tf.compat import raw_variables
from seg2vid_tf.export_folder import (
    DESCRIPTION,
    DISCRIMINATOR,
    ENCODER,
    discriminator_folder,
    parts,
    versions,
    write_sums,
)
from seg2vid_tf.exported_weights import copy_discriminator, network_sizes
from seg2vid_tf.files import held_folder, new_folders
from seg2vid_tf.models.seg2vid import Seg2Vid
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
    run_dir: str | os.PathLike | None = None,
    with_discriminator: bool = False,
    motion_dir: str | os.PathLike | None = None,
) -> pathlib.Path:
    """Exports a model and proves it; with warm-up requests, where their package is installed.

    Args:
      model: with trained weights, built outside any strategy.
      root: folder of all models, "saved_models".
      name: the model's.
      version: a positive integer; one above the newest by default.
      card: the model card's text, Markdown.
      say: told what is done now, as each step takes seconds.
      run_dir: the run that the model came from. With it the export says how large its networks are, so that a training
        can start from it (exported_weights.py).
      with_discriminator: whether stage 1's discriminator is kept for that, too; no server needs it.
      motion_dir: the run or export that stage 2 came from, where that is not ``run_dir``.

    Returns:
      The version folder; its encoder lies in ``export_folder.encoder_folder`` of it.

    Raises:
      ValueError: the version exists, another process exports this model, there is no discriminator to keep, a server
        could not run the exported model, or it does not answer as the one in memory does.
    """
    folder = pathlib.Path(root) / name
    with held_folder(folder):
        _remove_unfinished(folder)
        return _export(model, folder, version, card, say, run_dir, with_discriminator, motion_dir)


def _remove_unfinished(folder):
    """What kills have left of earlier exports; of one that came between the renames, the parts that have theirs."""
    for path in [*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")]:
        named = re.fullmatch(r"\.([0-9]+)\.[0-9]+\.tmp", path.name)
        if named is None or path.parent not in (folder, folder / ENCODER, folder / DISCRIMINATOR):
            continue
        if path.parent == folder and not (folder / named[1]).exists():
            for part in (ENCODER, DISCRIMINATOR):
                shutil.rmtree(folder / part / named[1], ignore_errors=True)
        shutil.rmtree(path)


def _export(model, folder, version, card, say, run_dir, with_discriminator, motion_dir):
    known = [0, *(number for name in ("", ENCODER, DISCRIMINATOR) for number in versions(folder / name))]
    version = version if version is not None else max(known) + 1
    if with_discriminator and (run_dir is None or model.generator is None):
        raise ValueError("with_discriminator: only the run of a model with stage 1 has one")
    if version < 1:
        raise ValueError(f"version must be a positive integer, received {version}")
    targets = parts(folder / str(version), signatures(model), describe(model)["encoder"])
    kept = discriminator_folder(folder / str(version))
    for target in (*targets, kept):
        if target.exists():
            raise ValueError(f"{target} exists: a version never changes, give another --version")
    say("asking the trained model, for what its export must answer")
    document = describe(model)
    if run_dir is not None:
        sources = {"start_frame": run_dir, "motion": motion_dir or run_dir}
        document["networks"] = network_sizes({stage: sources[stage] for stage in document["stages"]})
    expected = answers(model)
    with contextlib.ExitStack() as stack:
        made = []

        def new_part(target):
            stack.enter_context(new_folders(target.parent))
            temporary = target.parent / f".{version}.{os.getpid()}.tmp"
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
            made.append((temporary, target))
            return temporary

        for target, names in targets.items():
            wanted = {key: expected[key] for key in sorted(names)}
            _make_part(model, new_part(target), folder.name, wanted, document, card, say)
        if with_discriminator:
            temporary = new_part(kept)
            copy_discriminator(run_dir, temporary)
            write_sums(temporary)
        # The version last: one that a server or a pipeline finds is all there.
        _rename_all(reversed(made))
    return folder / str(version)


def _rename_all(pairs):
    """Renames (from, to) in order, or, where one fails, none."""
    renamed = []
    try:
        for temporary, target in pairs:
            os.rename(temporary, target)
            renamed.append(target)
    except OSError:
        for target in renamed:
            shutil.rmtree(target)
        raise


def _make_part(model, path, name, expected, document, card, say):
    """Writes one SavedModel of the signatures that are expected, and proves it."""
    say(f"tracing and writing {', '.join(expected)}")
    _save(model, path, expected)
    if not expected.keys() & set(ENCODER_SIGNATURES):  # the encoder is described by its model
        write_description(path, document, card)
    check_servable(path)
    say("loading them as TensorFlow Serving does (its session loader) and asking them the same")
    with SessionLoader(path) as loaded:
        verify(expected, loaded, str(path))
    if can_log():
        write_warmup(path, name, {signature: inputs for signature, (inputs, _) in expected.items()})
    write_sums(path)


def _save(model, path, names):
    # keras.export.ExportArchive writes the same model but traces every signature two or three times.
    shared = functools.partial(tf.function, autograph=False)
    traced = {
        name: tf.function(function, input_signature=inputs).get_concrete_function()
        for name, (function, inputs) in signatures(model, shared).items()
        if name in names
    }
    shell = tf.Module()
    used = {v.ref() for function in traced.values() for v in function.variables}
    # Raw variables: a server does not find those of a Keras 3 model. Named and numbered as in a run's checkpoints.
    shell.generator_average = _numbered(model.generator, used)
    shell.style_encoder_average = _numbered(model.style_encoder, used)
    shell.motion = _numbered(model.motion, used)
    # Nobody trains a served model, and the gradients of its warps are half of its functions.
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(shell, str(path), signatures=traced, options=options)
    slim(path)


def _numbered(network, used):
    """{its number as text: variable} of those of a network's variables that are used."""
    variables = [] if network is None else raw_variables(network)
    return {str(i): variable for i, variable in enumerate(variables) if variable.ref() in used}


def write_description(folder: pathlib.Path, document: dict, card: str) -> None:
    """Writes what a caller must know of a model (``signatures.describe``), with the versions here, and its card."""
    document = {
        **document,
        "versions": {"seg2vid_tf": seg2vid_tf.__version__, "tensorflow": tf.__version__, "keras": keras.__version__},
    }
    path = folder / DESCRIPTION
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    (path.parent / "MODEL_CARD.md").write_text(card, encoding="utf-8")
