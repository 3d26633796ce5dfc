r"""Measures a model on a prepared split, beside baselines: metrics.json, report.html and a TensorBoard entry.

    python experiments/evaluate.py --run_dir=runs/street --data=data/street/validation --train_data=data/street/train \
        --output=out/street
    python experiments/evaluate.py --flagfile=experiments/protocols/cityscapes_i2v.flags --run_dir=runs/city \
        --data=data/city/validation --train_data=data/city/train --lpips_path=lpips_alex.npz --output=out/city
    python experiments/evaluate.py --compare=out/street,out/other --output=out/comparison

Each window of T+1 frames is reconstructed from the mean of its posterior and generated --samples times from the prior,
after the real frame 0 or after one that stage 1 paints (--start_frame=generated). evaluation/clip_scores.py and
set_scores.py say what each score is. A stopped evaluation goes on where it was. The report shows frames of the data:
mind its licence.
"""

import pathlib
import sys

from absl import flags

from seg2vid_tf.flags import define_beam_flags, run
from seg2vid_tf.ops.published_preprocessing import split_preprocessing

DATA = flags.DEFINE_string("data", None, "one prepared split (it holds manifest.json)")
TRAIN_DATA = flags.DEFINE_list(
    "train_data",
    [],
    "the prepared splits that the model learned from: for their mean flow, and to find clips of theirs",
)
OUTPUT = flags.DEFINE_string("output", None, "folder for the results", required=True)
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "model folder (newest version) or version folder")
RUN_DIR = flags.DEFINE_string("run_dir", None, "folder that holds motion/ (and start_frame/), instead of --saved_model")
WITHOUT_ANNOTATION = flags.DEFINE_string(
    "without_annotation", None, "run of stage 2 trained with --noannotated, one more baseline"
)
START_FRAME = flags.DEFINE_enum("start_frame", "real", ["real", "generated"], "where frame 0 comes from")
NUM_FRAMES = flags.DEFINE_integer("num_frames", None, "frames after frame 0; default: the model's", lower_bound=1)
HORIZONS = flags.DEFINE_list(
    "horizons", [], "also give each score over the first frames alone: 4,8 adds <score>@4 and <score>@8"
)
SAMPLES = flags.DEFINE_integer("samples", 20, "motions drawn for each window; 0 or at least 2")
TEMPERATURE = flags.DEFINE_float(
    "temperature",
    None,
    "how much the samples differ: 0 not at all, 1 as much as the model expects; default: the model's own",
)
SWAP = flags.DEFINE_bool("swap", True, "also take one part of z from the window before, where z has two parts")
EXTERNAL_FLOW = flags.DEFINE_bool(
    "external_flow", True, "measure with OpenCV's flow and affine motion too (the extra eval)"
)
WINDOW_STRIDE = flags.DEFINE_integer(
    "window_stride",
    None,
    "frames between the starts of a clip's windows, without exact motion; default: no overlap, and where the data has "
    "exact motion a clip's first window alone",
    lower_bound=1,
)
MAX_CLIPS = flags.DEFINE_integer(
    "max_clips",
    None,
    "measure this many windows (T + 1 frames in a row of a clip) only, evenly spread over the split",
    lower_bound=1,
)
LPIPS_PATH = flags.DEFINE_string("lpips_path", None, "LPIPS weights (.npz)")
SEGMENTER_PATH = flags.DEFINE_string("segmenter_path", None, "segmenter that answers in Cityscapes trainIds")
FEATURES = flags.DEFINE_list(
    "features",
    [],
    "networks from pictures or clips to feature vectors, for Frechet and kernel distances (Inception: FID, KID); "
    "before a file how its pictures are prepared where that is published: fid=, pytorch_fid=, clean_fid=, fvd16=, "
    "videogpt_fvd16=",
)
CLASSIFIER_PATH = flags.DEFINE_string("classifier_path", None, "network from pictures to classes (Inception: IS)")
_NETWORKS = (LPIPS_PATH, SEGMENTER_PATH, CLASSIFIER_PATH)
COMPARE = flags.DEFINE_list("compare", [], "finished evaluations to hold against each other, instead of measuring")
FPS = flags.DEFINE_float("fps", 4.0, "of the report's animations", lower_bound=0.1)
RUNNER = flags.DEFINE_string(
    "runner",
    None,
    "measure by Apache Beam: DirectRunner, or FlinkRunner, SparkRunner, DataflowRunner, whose workers see the same "
    "disk; give them absolute paths",
)
BEAM_FLAGS = define_beam_flags()
WORKERS = flags.DEFINE_integer(
    "workers", 1, "with --runner=DirectRunner, processes on this machine, which share its cores", lower_bound=1
)


def main():
    if COMPARE.value:
        _compare()
        return
    _check_flags()
    print("loading the model ...", file=sys.stderr, flush=True)
    from seg2vid_tf.bulk.evaluation_job import EvaluationPlan, evaluate  # TensorFlow loads here
    from seg2vid_tf.evaluation.methods import Protocol
    from seg2vid_tf.evaluation.report import score_lines
    from seg2vid_tf.evaluator import Networks

    protocol = Protocol(
        num_frames=NUM_FRAMES.value,
        start_frame=START_FRAME.value,
        samples=SAMPLES.value,
        temperature=TEMPERATURE.value,
        horizons=tuple(map(int, HORIZONS.value)),
        swap=SWAP.value,
        external_flow=EXTERNAL_FLOW.value,
        window_stride=WINDOW_STRIDE.value,
        max_clips=MAX_CLIPS.value,
    )
    plan = EvaluationPlan(
        SAVED_MODEL.value,
        RUN_DIR.value,
        DATA.value,
        protocol,
        train_data=tuple(TRAIN_DATA.value),
        without_annotation=WITHOUT_ANNOTATION.value,
        networks=Networks(LPIPS_PATH.value, SEGMENTER_PATH.value, tuple(FEATURES.value), CLASSIFIER_PATH.value),
    )
    metrics = evaluate(plan, OUTPUT.value, FPS.value, RUNNER.value, BEAM_FLAGS.value, WORKERS.value)
    for line in score_lines(metrics["methods"], metrics["warnings"]):
        print(line)
    print(
        f"{OUTPUT.value}/report.html: {metrics['clips']} clips; experiments/README.md says what the scores' names mean"
    )


def _check_flags():
    """What the flags alone show to be wrong is told at once."""
    if not DATA.value:
        raise ValueError("give --data, the prepared split to measure on")
    if bool(SAVED_MODEL.value) == bool(RUN_DIR.value):
        raise ValueError("give exactly one of --saved_model and --run_dir")
    for flag in (BEAM_FLAGS, WORKERS):
        if flag.present and not RUNNER.value:
            raise ValueError(f"--{flag.name} means nothing without --runner; leave it out")
    given = [(f.name, f.value) for f in (DATA, SAVED_MODEL, RUN_DIR, WITHOUT_ANNOTATION, *_NETWORKS) if f.value]
    given += [(TRAIN_DATA.name, path) for path in TRAIN_DATA.value]
    given += [(FEATURES.name, split_preprocessing(entry)[1]) for entry in FEATURES.value]
    for flag, path in given:
        if not pathlib.Path(path).exists():
            raise ValueError(f"--{flag}: no file or folder {path!r}")
    if not all(h.isdigit() for h in HORIZONS.value):
        raise ValueError(f"--horizons takes numbers of frames, received {','.join(HORIZONS.value)}")


def _compare():
    from seg2vid_tf.config import write_json
    from seg2vid_tf.evaluation.compare import compare
    from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder
    from seg2vid_tf.evaluation.report import comparison_report
    from seg2vid_tf.files import check_new, write_text

    if len({pathlib.Path(path) for path in COMPARE.value}) < max(2, len(COMPARE.value)):
        raise ValueError(f"--compare takes two or more different evaluations, received {','.join(COMPARE.value)}")
    own = flags.FLAGS.get_key_flags_for_module(sys.argv[0])
    useless = [flag.name for flag in own if flag.present and flag.name not in ("compare", "output")]
    if useless:
        raise ValueError(f"--compare measures nothing: leave --{', --'.join(useless)} out")
    output = pathlib.Path(OUTPUT.value)
    check_new(output)
    folders = {path: EvaluationFolder(path) for path in COMPARE.value}
    first, *others = folders
    differences = {path: compare(folders[first], folders[path]) for path in others}
    metrics = {path: folder.metrics() for path, folder in folders.items()}
    write_json(output / "comparison.json", differences)
    write_text(output / "report.html", comparison_report(metrics, differences))
    print(f"{output / 'report.html'}: {len(folders)} evaluations side by side")


if __name__ == "__main__":
    run(main)
