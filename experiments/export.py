"""Exports a trained run as a SavedModel for TensorFlow Serving.

    python experiments/export.py --run_dir=runs/street --name=street

Every signature is run through the session loader and compared with the model in memory before the version appears.
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import run

RUN_DIR = flags.DEFINE_string("run_dir", None, "folder that holds start_frame/ and motion/", required=True)
NAME = flags.DEFINE_string("name", None, "the model's name", required=True)
ROOT = flags.DEFINE_string("root", "saved_models", "folder of all models")
VERSION = flags.DEFINE_integer("version", None, "version number; one above the newest by default", lower_bound=1)
CARD = flags.DEFINE_string("card", None, "Markdown file that becomes the model card")


def main():
    from seg2vid_tf.models.restore import seg2vid_from_run  # TensorFlow loads here: --help needs none.
    from seg2vid_tf.serving.export import export
    from seg2vid_tf.serving.model_card import model_card

    card = pathlib.Path(CARD.value).read_text(encoding="utf-8") if CARD.value else model_card(NAME.value, RUN_DIR.value)
    target = export(seg2vid_from_run(RUN_DIR.value), ROOT.value, NAME.value, VERSION.value, card)
    print(f"exported and verified: {target}")


if __name__ == "__main__":
    run(main)
