"""Proves an export: every signature through three loaders, against the run that it was made of.

    python experiments/verify_export.py --saved_model=saved_models/street --run_dir=runs/street

The loaders are Python's (tf.saved_model.load), the session loader, and TensorFlow's C API, the server's own path. The
export must hold nothing but TensorFlow's own operations, none that only XLA compiles, and no input without a batch.
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import run

SAVED_MODEL = flags.DEFINE_string("saved_model", None, "version folder, or model folder (its newest)", required=True)
RUN_DIR = flags.DEFINE_string("run_dir", None, "run that it was exported from", required=True)


def main():
    from seg2vid_tf.models.restore import seg2vid_from_run  # TensorFlow loads here: --help needs none.
    from seg2vid_tf.serving.c_api_loader import CApiLoader
    from seg2vid_tf.serving.export import newest_version, read_description
    from seg2vid_tf.serving.session_loader import SessionLoader
    from seg2vid_tf.serving.verify import PythonLoader, answers, check_servable, verify

    folder = newest_version(pathlib.Path(SAVED_MODEL.value))
    check_servable(folder)
    expected = answers(seg2vid_from_run(RUN_DIR.value, tuple(read_description(folder)["stages"])))
    for name, loader in (
        ("tf.saved_model.load", PythonLoader),
        ("session loader", SessionLoader),
        ("C API", CApiLoader),
    ):
        with loader(folder) as loaded:
            verify(expected, loaded, f"{folder} by {name}")
        print(f"{name}: {len(expected)} signatures answer as the run does: {', '.join(sorted(expected))}", flush=True)
    print(f"{folder}: proved")


if __name__ == "__main__":
    run(main)
