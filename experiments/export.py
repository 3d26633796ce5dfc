"""Exports a trained run as a SavedModel for TensorFlow Serving, or what makes videos as ONNX or OpenVINO.

    python experiments/export.py --run_dir=runs/street --name=street
    python experiments/export.py --run_dir=runs/street --name=street_motion --model=motion
    python experiments/export.py --run_dir=runs/city --name=city --motion_dir=saved_models/street
    python experiments/export.py --saved_model=saved_models/street --format=onnx

Both stages as one model, seg2vid, or one of them: start_frame paints start frames, motion animates given ones. Every
signature is loaded as TensorFlow Serving loads it and compared with the trained model before the version appears.

--format=onnx and openvino write <root>/<name>/<format>/<version>, of a run or of an export: what makes videos, for
frames of the model's size, without TensorFlow (Seg2VidPipeline.from_onnx, from_openvino). It needs the extra of that
name, and appears only once it has answered as TensorFlow does.
"""

import functools
import pathlib

from absl import flags

from seg2vid_tf.flags import one_given, run

RUN_DIR = flags.DEFINE_string("run_dir", None, "folder that holds start_frame/, motion/ or both")
MOTION_DIR = flags.DEFINE_string(
    "motion_dir", None, "run or export that stage 2 is taken from, instead of --run_dir; of its spec and size"
)
SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "export (model or version folder) to convert, instead of --run_dir; keeps name and version"
)
FORMAT = flags.DEFINE_enum("format", "saved_model", ["saved_model", "onnx", "openvino"], "what to write")
NAME = flags.DEFINE_string("name", None, "the model's name")
MODEL = flags.DEFINE_enum("model", "seg2vid", ["seg2vid", "start_frame", "motion"], "both stages, or one of them")
ROOT = flags.DEFINE_string("root", "saved_models", "folder of all models")
VERSION = flags.DEFINE_integer("version", None, "version number; one above the newest by default", lower_bound=1)
WITH_DISCRIMINATOR = flags.DEFINE_bool(
    "with_discriminator", False, "keep stage 1's discriminator beside the export, for trainings that start from it"
)
CARD = flags.DEFINE_string("card", None, "Markdown file that becomes the model card")

say = functools.partial(print, flush=True)


def main():
    check_flags()
    if SAVED_MODEL.value:
        convert_saved_model()
    elif FORMAT.value != "saved_model":
        convert_run()
    else:
        export_run()


def check_flags():
    """What the flags alone show to be wrong is told at once."""
    given = one_given(RUN_DIR, SAVED_MODEL)
    if given.name == "saved_model" and (FORMAT.value == "saved_model" or MODEL.value != "seg2vid"):
        raise ValueError("--saved_model is an export already: give --format=onnx or openvino, and no --model")
    if MOTION_DIR.value and (given.name == "saved_model" or MODEL.value != "seg2vid"):
        raise ValueError("--motion_dir gives a run of stage 1 its stage 2: leave out --saved_model and --model")
    if given.name == "saved_model" and CARD.value:
        raise ValueError("--card is of a model that is exported; what is converted keeps its own: leave it out")
    if given.name == "run_dir" and not NAME.value:
        raise ValueError("--name: what is the model to be called?")
    if FORMAT.value != "saved_model" and WITH_DISCRIMINATOR.value:
        raise ValueError(f"--with_discriminator is for trainings, which start from no {FORMAT.value}: leave it out")


def convert_saved_model():
    """--saved_model in another format."""
    from seg2vid_tf.export_folder import newest_version
    from seg2vid_tf.serving.convert import convert_export  # TensorFlow loads here: --help needs none.

    source = newest_version(pathlib.Path(SAVED_MODEL.value)).absolute()
    if not VERSION.value and not source.name.isdecimal():
        raise ValueError(f"{source} does not say its version: give --version, and the model's --name")
    target = _target(NAME.value or source.parent.name, VERSION.value or int(source.name))
    convert_export(source, target, FORMAT.value, say)
    print(f"converted and verified: {target}")


def convert_run():
    """--run_dir in another format."""
    from seg2vid_tf.serving.convert import convert_model

    model, card = model_of_run()
    target = _target(NAME.value, VERSION.value)
    convert_model(model, card, target, FORMAT.value, say)
    print(f"converted and verified: {target}")


def export_run():
    """--run_dir as a SavedModel."""
    from seg2vid_tf.serving.export import export
    from seg2vid_tf.serving.prediction_log import can_log

    model, card = model_of_run()
    target = export(
        model,
        ROOT.value,
        NAME.value,
        VERSION.value,
        card,
        say,
        RUN_DIR.value,
        WITH_DISCRIMINATOR.value,
        MOTION_DIR.value,
    )
    print(f"exported and verified: {target}")
    if not can_log():
        print(
            "it holds no warm-up requests, so a server's first answers will take seconds; to have them, "
            "pip install 'seg2vid_tf[serving]' and export again"
        )


def model_of_run():
    """(the model of --run_dir, the text of its card)."""
    from seg2vid_tf.models.restore import seg2vid_from_run
    from seg2vid_tf.serving.model_card import model_card

    stages = ("start_frame", "motion") if MODEL.value == "seg2vid" else (MODEL.value,)
    card = pathlib.Path(CARD.value).read_text(encoding="utf-8") if CARD.value else None
    say(f"restoring {' and '.join(stages)} of {' and '.join(filter(None, (RUN_DIR.value, MOTION_DIR.value)))}")
    # First: it says what a run that lacks a stage can do, where the card could only miss a file.
    model = seg2vid_from_run(RUN_DIR.value, stages, MOTION_DIR.value)
    if card is None:
        card = model_card(NAME.value, RUN_DIR.value, stages, MOTION_DIR.value)
    return model, card


def _target(name, version):
    """The folder of a converted version; None: one above the newest."""
    from seg2vid_tf.export_folder import versions

    folder = pathlib.Path(ROOT.value) / name / FORMAT.value
    return folder / str(version or max([0, *versions(folder)]) + 1)


if __name__ == "__main__":
    run(main)
