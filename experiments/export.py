"""Exports a trained run as a SavedModel for TensorFlow Serving.

    python experiments/export.py --run_dir=runs/street --name=street
    python experiments/export.py --run_dir=runs/street --name=street_motion --model=motion

Both stages as one model, seg2vid, or one of them: start_frame paints start frames, motion animates given ones. Every
signature is loaded as TensorFlow Serving loads it and compared with the trained model before the version appears.
"""

import functools
import pathlib

from absl import flags

from seg2vid_tf.flags import run

RUN_DIR = flags.DEFINE_string("run_dir", None, "folder that holds start_frame/, motion/ or both", required=True)
NAME = flags.DEFINE_string("name", None, "the model's name", required=True)
MODEL = flags.DEFINE_enum("model", "seg2vid", ["seg2vid", "start_frame", "motion"], "both stages, or one of them")
ROOT = flags.DEFINE_string("root", "saved_models", "folder of all models")
VERSION = flags.DEFINE_integer("version", None, "version number; one above the newest by default", lower_bound=1)
WITH_DISCRIMINATOR = flags.DEFINE_bool(
    "with_discriminator", False, "keep stage 1's discriminator beside the export, for trainings that start from it"
)
CARD = flags.DEFINE_string("card", None, "Markdown file that becomes the model card")


def main():
    from seg2vid_tf.models.restore import seg2vid_from_run  # TensorFlow loads here: --help needs none.
    from seg2vid_tf.serving.export import export
    from seg2vid_tf.serving.model_card import model_card
    from seg2vid_tf.serving.prediction_log import can_log

    stages = ("start_frame", "motion") if MODEL.value == "seg2vid" else (MODEL.value,)
    if CARD.value:
        card = pathlib.Path(CARD.value).read_text(encoding="utf-8")
    else:
        card = model_card(NAME.value, RUN_DIR.value, stages)
    say = functools.partial(print, flush=True)
    say(f"restoring {' and '.join(stages)} of {RUN_DIR.value}")
    model = seg2vid_from_run(RUN_DIR.value, stages)
    target = export(model, ROOT.value, NAME.value, VERSION.value, card, say, RUN_DIR.value, WITH_DISCRIMINATOR.value)
    print(f"exported and verified: {target}")
    if not can_log():
        print(
            "it holds no warm-up requests, so a server's first answers will take seconds; to have them, "
            "pip install 'seg2vid_tf[serving]' and export again"
        )


if __name__ == "__main__":
    run(main)
