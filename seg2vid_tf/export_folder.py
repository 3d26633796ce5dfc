"""Where an export's files lie, and what its own document says: read without TensorFlow.

    <root>/<name>/<version>/            the SavedModel that makes videos: what a server of <root>/<name> serves
    <root>/<name>/encoder/<version>/    the one that encodes motions and styles; not a number, so no server takes
                                        "encoder" for a version: it is the base path of a model of its own
    <root>/<name>/discriminator/<version>/  stage 1's, for trainings that start from the export; not every one has it
    .../assets.extra/                   seg2vid.json, MODEL_CARD.md, tf_serving_warmup_requests, SHA256SUMS

An export of before has no encoder folder, and all signatures in the one SavedModel.

SHA256SUMS has the sums of all files of its SavedModel, whose graph has no checksum of its own: one flipped bit makes
another model of it. Where this package is not, sha256sum -c assets.extra/SHA256SUMS compares the same. An export of
before has none.
"""

import json
import pathlib
import re
from collections.abc import Iterable

from seg2vid_tf.config import NOISE_VERSION
from seg2vid_tf.files import sha256_of, write_text

DESCRIPTION = pathlib.Path("assets.extra") / "seg2vid.json"
SUMS = pathlib.Path("assets.extra") / "SHA256SUMS"
ENCODER = "encoder"
DISCRIMINATOR = "discriminator"
_SHIPPED = pathlib.Path(__file__).parents[1] / "saved_models"


class CannotLoad(ValueError):
    """A part of a model, which is loaded when it is first needed, is missing or damaged."""


def version_folders(folder: pathlib.Path) -> dict[int, pathlib.Path]:
    """{version: its folder} of a model, oldest first: sub-folders whose names are numbers, as TensorFlow Serving reads.

    00000123 is version 123; of two names for one number the last in the order of text is taken.
    """
    named = {}
    for path in sorted(folder.glob("*")):
        if re.fullmatch("[0-9]{1,19}", path.name) and int(path.name) < 2**63 and path.is_dir():
            named[int(path.name)] = path
    return dict(sorted(named.items()))


def versions(folder: pathlib.Path) -> list[int]:
    """The versions of a model, oldest first."""
    return list(version_folders(folder))


def newest_version(folder: pathlib.Path) -> pathlib.Path:
    """A version folder itself, or the newest one of a model folder.

    Raises:
      ValueError: it is neither.
    """
    if (folder / "saved_model.pb").exists():
        return folder
    found = list(version_folders(folder).values())
    if not found:
        raise ValueError(f"{folder} is neither a model folder (<version>/saved_model.pb in it) nor a version folder")
    return found[-1]


def presets() -> list[str]:
    """The names of the trained models that come with the project; none where it is installed without them."""
    return sorted(p.name for p in _SHIPPED.glob("*") if versions(p))


def preset_folder(name: str) -> pathlib.Path:
    """The folder of a trained model that comes with the project.

    Raises:
      ValueError: no model of that name; it lists the known ones.
    """
    if name not in presets():
        raise ValueError(f"unknown preset {name!r}: {_SHIPPED} holds {presets()}")
    return _SHIPPED / name


def encoder_folder(version: pathlib.Path) -> pathlib.Path:
    """Where the encoder of a version folder lies, or would."""
    version = version.absolute()
    return version.parent / ENCODER / version.name


def discriminator_folder(version: pathlib.Path) -> pathlib.Path:
    """Where the discriminator of a version folder lies, or would."""
    version = version.absolute()
    return version.parent / DISCRIMINATOR / version.name


def is_export(folder: pathlib.Path) -> bool:
    """Whether it is a version folder or a model folder with a version in it."""
    return (folder / "saved_model.pb").exists() or bool(versions(folder))


def saved_models(version: pathlib.Path) -> list[pathlib.Path]:
    """The SavedModels of a version folder: itself, and its encoder where there is one."""
    return [folder for folder in (version, encoder_folder(version)) if (folder / "saved_model.pb").exists()]


def parts(version: pathlib.Path, signatures: Iterable[str], encoder: Iterable[str]) -> dict[pathlib.Path, set[str]]:
    """{folder of a SavedModel: those of the signatures that it has}.

    Args:
      version: the version folder.
      signatures: all that the model has.
      encoder: those of its encoder, as its description lists them.
    """
    encoded = set(signatures) & set(encoder)
    found = {version: set(signatures) - encoded}
    return {**found, encoder_folder(version): encoded} if encoded else found


def read_description(folder: pathlib.Path) -> dict:
    """What ``signatures.describe`` said of the model in a version folder.

    Of an export of before, "encoder" is [], as it has none of its own, and noise_version 1.

    Raises:
      ValueError: there is no such document, or it is another version's.
    """
    path = folder / DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        model = folder.absolute().parent.parent
        if folder.absolute().parent.name == ENCODER and versions(model):
            raise ValueError(
                f"{folder} is the encoder of a model, which its pipeline loads itself: give {model}"
            ) from error
        raise ValueError(f"{folder} has no {DESCRIPTION}: it was not written by experiments/export.py") from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON, export the model again: {error}") from error
    needed = {"spec", "size", "stages", "num_frames", "style_dim", "latent_dim", "background_latent"}
    needed |= {"instance_boundary", "temperature", "smoothness"}
    missing = needed - set(description)
    if missing:
        raise ValueError(f"{path} lacks {sorted(missing)}: it was written by another version, export the model again")
    description = {"encoder": [], "noise_version": 1, **description}
    if description["noise_version"] not in range(1, NOISE_VERSION + 1):
        raise ValueError(
            f"{path}: noise_version must lie in 1..{NOISE_VERSION}, received {description['noise_version']!r}: it was "
            "written by a newer seg2vid_tf, update this one"
        )
    return description


def can_restyle(description: dict) -> bool:
    """Whether an export paints some classes in another look: its document says how large stage 1's networks are."""
    return "start_frame" in description.get("networks", {})


def may_take_style(description: dict) -> bool:
    """Whether an export may have a style encoder: an old one does not say, and what is converted has none."""
    return "encode_style" in (description["encoder"] or ["encode_style"]) and "converted" not in description


def restyle_refusal(name: str) -> str:
    """Why a model of that name cannot paint some classes in another look, and what helps."""
    able = [each for each in presets() if can_restyle(read_description(newest_version(_SHIPPED / each)))]
    other = f", or take a preset that can: {', '.join(able)}" if able else ""
    return (
        f"{name} cannot paint some classes in another look: that takes stage 1's networks, of a run or of an export "
        "that says how large they are, which older releases' do not and converted models lack; export its run again"
        + other
    )


def model_name(version: pathlib.Path) -> str:
    """<name>/<version> of a version folder: what a model is called where nobody need know where it lies."""
    return "/".join(version.absolute().parts[-2:])


def write_sums(folder: pathlib.Path) -> None:
    """Writes the sums of all files of a SavedModel, which is whole by now."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)
    write_text(folder / SUMS, "".join(f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files))


def check_sums(folder: pathlib.Path) -> None:
    """Compares those of a SavedModel's files that are there with their sums, where it has them.

    Who loads a model misses what it needs; warm-up requests or the card it can do without.

    Raises:
      ValueError: a file is another one than was exported, or the sums cannot be read.
    """
    try:
        text = (folder / SUMS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except ValueError as error:
        raise ValueError(f"{folder / SUMS} is damaged ({error}): bring back a good copy of {folder}") from error
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        parts = re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)
        if parts is None:
            raise ValueError(f"{folder / SUMS} is damaged in line {number}: bring back a good copy of {folder}")
        file = folder / parts[2]
        if file.is_file() and sha256_of(file) != parts[1]:
            raise ValueError(
                f"{file} is not what was exported, by {SUMS}: bring back a good copy of {folder}, or export the "
                "model again"
            )
