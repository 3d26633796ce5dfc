"""Proves an export: every signature through three loaders, against the run that it was made of.

    python experiments/verify_export.py --saved_model=saved_models/street --run_dir=runs/street
    python experiments/verify_export.py --saved_model=saved_models/street --run_dir=runs/street --save_answers=answers
    python3.12 experiments/verify_export.py --saved_model=saved_models/street --answers=answers

The loaders are Python's (tf.saved_model.load), the session loader, and TensorFlow's C API, the server's own path. The
export must hold nothing but TensorFlow's own operations, none that only XLA compiles, and no input without a batch, and
answer its own warm-up requests. Answers that were saved prove it on machines that cannot read the run's checkpoints, as
the other TensorFlow stack cannot.
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import run

SAVED_MODEL = flags.DEFINE_string("saved_model", None, "version folder, or model folder (its newest)", required=True)
RUN_DIR = flags.DEFINE_string("run_dir", None, "run that it was exported from")
ANSWERS = flags.DEFINE_string("answers", None, "file of --save_answers, instead of the run")
SAVE_ANSWERS = flags.DEFINE_string("save_answers", None, "writes what the run answers, TFRecords of PredictionLog")


def main():
    if bool(RUN_DIR.value) == bool(ANSWERS.value):
        raise ValueError(f"give --run_dir or --answers, received {RUN_DIR.value!r} and {ANSWERS.value!r}")
    if SAVE_ANSWERS.value and not RUN_DIR.value:
        raise ValueError("--save_answers writes what a run answers: give --run_dir")

    from seg2vid_tf.models.restore import seg2vid_from_run  # TensorFlow loads here: --help needs none.
    from seg2vid_tf.serving.c_api_loader import CApiLoader
    from seg2vid_tf.serving.export import newest_version, read_description
    from seg2vid_tf.serving.prediction_log import read_log, write_log
    from seg2vid_tf.serving.session_loader import SessionLoader
    from seg2vid_tf.serving.verify import PythonLoader, answers, check_servable, verify
    from seg2vid_tf.serving.warmup import warm_up

    folder = newest_version(pathlib.Path(SAVED_MODEL.value))
    check_servable(folder)
    if ANSWERS.value:
        expected = read_log(ANSWERS.value)
    else:
        expected = answers(seg2vid_from_run(RUN_DIR.value, tuple(read_description(folder)["stages"])))
    if SAVE_ANSWERS.value:
        write_log(SAVE_ANSWERS.value, folder.parent.name, expected)
    for name, loader in (
        ("tf.saved_model.load", PythonLoader),
        ("session loader", SessionLoader),
        ("C API", CApiLoader),
    ):
        with loader(folder) as loaded:
            verify(expected, loaded, f"{folder} by {name}")
            warm = warm_up(folder, loaded.run)
        print(f"{name}: {len(expected)} signatures answer as the run does: {', '.join(sorted(expected))}", flush=True)
    print(f"warm-up: {len(warm)} requests" if warm else "warm-up: none, a server's first answers take seconds")
    print(f"{folder}: proved")


if __name__ == "__main__":
    run(main)
