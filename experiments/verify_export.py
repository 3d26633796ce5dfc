"""Proves an export: every signature through three loaders, against the run that it was made of.

    python experiments/verify_export.py --saved_model=saved_models/street --run_dir=runs/street
    python experiments/verify_export.py --saved_model=saved_models/street --run_dir=runs/street --save_answers=answers
    python3.13 experiments/verify_export.py --saved_model=saved_models/street --answers=answers

The loaders are Python's (tf.saved_model.load), the session loader (the part of TensorFlow by which a server loads a
SavedModel), and TensorFlow's C API, the server's own path. The export, and the encoder beside it, must hold nothing but
TensorFlow's own operations, none that only XLA compiles, and no input without a batch, and answer their own warm-up
requests. Answers that were saved prove them on machines that cannot read the run's checkpoints, as the other TensorFlow
stack cannot.
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

    from seg2vid_tf.export_folder import newest_version, parts, read_description
    from seg2vid_tf.models.restore import seg2vid_from_run  # TensorFlow loads here: --help needs none.
    from seg2vid_tf.serving.c_api_loader import CApiLoader
    from seg2vid_tf.serving.prediction_log import read_log, write_log
    from seg2vid_tf.serving.session_loader import SessionLoader
    from seg2vid_tf.serving.verify import PythonLoader, answers, check_servable, verify
    from seg2vid_tf.serving.warmup import warm_up

    folder = newest_version(pathlib.Path(SAVED_MODEL.value))
    description = read_description(folder)
    if ANSWERS.value:
        expected = read_log(ANSWERS.value)
    else:
        print(f"asking the run {RUN_DIR.value}", flush=True)
        expected = answers(seg2vid_from_run(RUN_DIR.value, tuple(description["stages"])))
    if SAVE_ANSWERS.value:
        write_log(SAVE_ANSWERS.value, folder.parent.name, expected)
    for part, names in parts(folder, expected, description["encoder"]).items():
        check_servable(part)
        wanted = {name: expected[name] for name in sorted(names)}
        for name, loader in (
            ("tf.saved_model.load", PythonLoader),
            ("session loader", SessionLoader),
            ("C API", CApiLoader),
        ):
            with loader(part) as loaded:
                verify(wanted, loaded, f"{part} by {name}")
                warm = warm_up(part, loaded.run)
            print(f"{name}: {len(wanted)} signatures answer as the run does: {', '.join(wanted)}", flush=True)
        print(
            f"warm-up: {len(warm)} requests"
            if warm
            else "warm-up: no requests, so a server's first answers take seconds"
        )
        print(f"{part}: proved", flush=True)


if __name__ == "__main__":
    run(main)
