r"""Measures stage 1 on held-out frames: does a picture show its label map, look real, vary, take on a style.

    python experiments/evaluate_start_frame.py --run_dir=runs/city --data=data/city/validation \
        --output=runs/city/start_frame.json --segmenter_path=segmenter.tflite --lpips_path=lpips_alex.npz \
        --features=mobilenet.tflite --style_pairs=50

Of a run, or of an export of both stages (--saved_model). Every picture has a seed of its own, so a style of its own.
evaluation/start_frame_scores.py, set_scores.py and style_scores.py say what each score is. Beside the JSON it writes a
sheet of frames with the same name and .png: annotation | seeds | in the style of another picture | that picture | real
(without the two in the middle where the model has no style encoder).
"""

import json
import pathlib

from absl import flags

from seg2vid_tf.flags import run
from seg2vid_tf.ops.published_preprocessing import split_preprocessing

RUN_DIR = flags.DEFINE_string("run_dir", None, "folder of a trained run (it holds start_frame/)")
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "export of both stages, model or version folder, instead of it")
DATA = flags.DEFINE_string("data", None, "one prepared split (it holds manifest.json)", required=True)
OUTPUT = flags.DEFINE_string("output", None, "JSON file for the results", required=True)
SEGMENTER_PATH = flags.DEFINE_string("segmenter_path", "", "segmenter that answers in Cityscapes trainIds")
LPIPS_PATH = flags.DEFINE_string("lpips_path", "", "LPIPS weights (.npz)")
FEATURES = flags.DEFINE_list(
    "features",
    [],
    "networks from pictures to feature vectors, for KID and Frechet distance; before a file how its pictures are "
    "prepared where that is published: fid=, pytorch_fid=, clean_fid=",
)
STYLE_PAIRS = flags.DEFINE_integer(
    "style_pairs",
    0,
    "label maps to paint in the style of another picture, of another place where names tell",
    lower_bound=0,
)
NUM_SEEDS = flags.DEFINE_integer("num_seeds", 3, "pictures of each label map", lower_bound=1)
MAX_FRAMES = flags.DEFINE_integer(
    "max_frames", None, "measure so many frames only, evenly spread over the split", lower_bound=1
)
SHEET_ROWS = flags.DEFINE_integer("sheet_rows", 8, "frames on the sheet, evenly spread", lower_bound=1)


def main():
    check_flags()
    from seg2vid_tf.data.shards import check_shards, manifest_spec  # TensorFlow loads here
    from seg2vid_tf.files import write_text
    from seg2vid_tf.media import save_png
    from seg2vid_tf.ops.segmenter import Segmenter

    model = PaintingRun(RUN_DIR.value) if RUN_DIR.value else PaintingExport(SAVED_MODEL.value)
    manifest = check_shards(DATA.value)
    spec = manifest_spec(manifest)  # not the model's: a label set may have been added since
    if spec != model.spec:
        raise ValueError(f"{DATA.value} holds spec {spec.name!r}, the model was trained on {model.spec.name!r}")
    count = min(manifest["num_frames"], MAX_FRAMES.value or manifest["num_frames"])
    lends_style, pairs = _references(manifest, count, model)
    shown = {row * count // SHEET_ROWS.value for row in range(SHEET_ROWS.value)}
    needed = shown | set(pairs)  # what the sheet and the pairs look at again
    needed |= {lends_style[i] for i in needed} if lends_style else set()
    segmenter = Segmenter(SEGMENTER_PATH.value) if SEGMENTER_PATH.value else None
    measured, warnings, kept, painted = _measure(model, spec, segmenter, count, needed)
    result = {
        "data": DATA.value,
        "model": RUN_DIR.value or SAVED_MODEL.value,
        "seeds": NUM_SEEDS.value,
        "frames": count,
        **({"chosen": "evenly spread"} if MAX_FRAMES.value else {}),  # an older version took the first ones
        **measured,
    }
    if pairs:
        result["style"] = _style(model, spec, segmenter, kept, pairs, lends_style)
    result["warnings"] = warnings
    sheet = pathlib.Path(OUTPUT.value).with_suffix(".png")
    save_png(_sheet(model, kept, {i: painted[i] for i in sorted(shown)}, lends_style), sheet)
    write_text(OUTPUT.value, json.dumps(result, indent=2, allow_nan=False) + "\n")
    print(json.dumps(result, indent=2, allow_nan=False))
    print(f"{OUTPUT.value}; {sheet} shows {len(shown)} of {count} frames")


def check_flags():
    """What the flags alone show to be wrong is told at once."""
    if not (SEGMENTER_PATH.value or LPIPS_PATH.value or FEATURES.value or STYLE_PAIRS.value):
        raise ValueError("nothing to measure with: give --segmenter_path, --lpips_path, --features or --style_pairs")
    if bool(SAVED_MODEL.value) == bool(RUN_DIR.value):
        raise ValueError("give exactly one of --saved_model and --run_dir")
    given = [(f.name, f.value) for f in (SEGMENTER_PATH, LPIPS_PATH) if f.value]
    given += [(FEATURES.name, split_preprocessing(entry)[1]) for entry in FEATURES.value]
    for flag, path in given:
        if not pathlib.Path(path).exists():
            raise ValueError(f"--{flag}: no file or folder {path!r}")


def _measure(model, spec, segmenter, count, needed):
    """Paints and measures ``count`` frames.

    Returns:
      ({name: result}, warnings, and of the ``needed`` frames {number: (label map, real picture, instance map)} and
      {number: its painted pictures}).
    """
    import keras

    from seg2vid_tf.evaluation.feature_extractor import FeatureExtractor
    from seg2vid_tf.evaluation.lpips import load_lpips
    from seg2vid_tf.evaluation.set_scores import SetMeasures, SetScores
    from seg2vid_tf.evaluation.start_frame_scores import StartFrameScores

    lpips = load_lpips(LPIPS_PATH.value) if LPIPS_PATH.value else None
    scores = StartFrameScores(spec, segmenter, lpips) if segmenter or lpips else None
    extractors = [FeatureExtractor(path) for path in FEATURES.value]
    sets = SetMeasures(spec, 0, extractors)
    fed = {each.name: each.fed for each in extractors} | ({"segmenter": segmenter.fed} if segmenter else {})
    real_set, painted_set = SetScores(spec), SetScores(spec)
    kept, painted_of_kept = {}, {}
    bar = keras.utils.Progbar(count, unit_name="frame")
    for i, (label_map, real, instance_map) in enumerate(_frames(model, count)):
        painted = model.paint(label_map, i * NUM_SEEDS.value, None, instance_map)
        if scores is not None:
            scores.add(label_map[None], real[None], [frame[None] for frame in painted])
        for of_all, frame in ((real_set, real), (painted_set, painted[0])):
            of_all.add(sets.part(frame[None], label_map[None], 0), i)
        if i in needed:
            kept[i], painted_of_kept[i] = (label_map, real, instance_map), painted
        bar.add(1)
    distances, warnings = painted_set.result(real_set)
    result = {"fed": fed} if fed else {}
    result |= scores.result() if scores is not None else {}
    return {**result, **distances}, warnings, kept, painted_of_kept


def _references(manifest, count, model):
    """Of each frame the number of the one that lends it a style, None where none can, and the frames of the pairs."""
    import numpy as np

    from seg2vid_tf.data.windows import evenly_spread
    from seg2vid_tf.evaluation.foreign_reference import foreign_references

    if STYLE_PAIRS.value and not model.has_style_encoder:
        raise ValueError("--style_pairs: this model has no style encoder, leave it out")
    if STYLE_PAIRS.value and (STYLE_PAIRS.value > count or count < 2):
        raise ValueError(
            f"--style_pairs={STYLE_PAIRS.value}: {count} frames are measured, as many pairs at most, and 2 at least"
        )
    if not model.has_style_encoder or count < 2:
        return None, []
    clip_ids = [c["clip_id"] for shard in manifest["shards"] for c in shard["clips"] for _ in range(c["length"])]
    clip_ids = [clip_ids[i] for i in evenly_spread(len(clip_ids), count)]
    chosen = np.random.default_rng(0).permutation(count)[: STYLE_PAIRS.value]
    return foreign_references(clip_ids).tolist(), sorted(chosen.tolist())


def _frames(model, count):
    """(label map, real picture, instance map or None) of each frame."""
    from seg2vid_tf.data.pipeline import make_dataset
    from seg2vid_tf.ops.image import to_uint8

    options = {"num_frames": 0, "batch_size": 1, "training": False, "size": model.size, "max_windows": count}
    for example in make_dataset(DATA.value, **options, with_instances=model.uses_instances):
        instance_map = example["instance_maps"][0, 0].numpy() if model.uses_instances else None
        yield example["label_maps"][0, 0].numpy(), to_uint8(example["frames"][0, 0]).numpy(), instance_map


def _style(model, spec, segmenter, kept, pairs, lends_style):
    """What StyleScores says of the pairs."""
    import keras

    from seg2vid_tf.evaluation.segmentation_scores import cityscapes_to_spec
    from seg2vid_tf.evaluation.style_scores import StyleScores

    table = None if segmenter is None else cityscapes_to_spec(spec)
    scores = StyleScores(spec, None if segmenter is None else lambda pictures: table[segmenter(pictures)])
    bar = keras.utils.Progbar(len(pairs), unit_name="pair")
    for i in pairs:
        (label_map, real, instance_map), (reference_map, reference, _) = kept[i], kept[lends_style[i]]
        painted = [model.paint(label_map, i * NUM_SEEDS.value, lent, instance_map) for lent in (reference, None)]
        scores.add(label_map, real, reference_map, reference, *painted)
        bar.add(1)
    return scores.result()


def _sheet(model, kept, painted, lends_style):
    """A row per frame that ``painted`` {number: pictures} holds."""
    from seg2vid_tf.annotations.label_map import colorize
    from seg2vid_tf.media import contact_sheet

    rows = []
    for i, pictures in painted.items():
        label_map, real, instance_map = kept[i]
        lent = [kept[lends_style[i]][1]] if lends_style else []
        styled = [model.paint(label_map, i * NUM_SEEDS.value, reference, instance_map)[0] for reference in lent]
        rows.append([colorize(label_map, model.spec), *pictures, *styled, *lent, real])
    return contact_sheet(rows)


class PaintingRun:
    """Stage 1 of a run, for one label map at a time."""

    def __init__(self, run_dir):
        from seg2vid_tf.models.restore import load_start_frame_model

        self._model, config = load_start_frame_model(run_dir)
        self.spec, self.size = self._model.spec, (config.model.height, config.model.width)
        self.uses_instances = self._model.uses_instances
        self.has_style_encoder = self._model.style_encoder is not None

    def paint(self, label_map, first_seed, reference, instance_map):
        """uint8 [num_seeds,H,W,3] of uint8 [H,W]: in the styles of the seeds, or in that of a reference [H,W,3]."""
        import tensorflow as tf

        from seg2vid_tf.ops.image import to_float, to_uint8

        seeds = tf.range(NUM_SEEDS.value, dtype=tf.int64) + tf.constant(first_seed, tf.int64)
        if reference is None:
            style = self._model.draw_style(seeds)
        else:
            style = tf.repeat(self._model.encode_style(to_float(reference)[None]), len(seeds), axis=0)
        label_map, instance_map = (
            None if each is None else tf.repeat(each[None], len(seeds), axis=0) for each in (label_map, instance_map)
        )
        return to_uint8(self._model.paint(label_map, style, seeds, instance_map)).numpy()


class PaintingExport:
    """Stage 1 of an export, by the pipeline, which makes the video too: that is what an export serves."""

    def __init__(self, saved_model):
        from seg2vid_tf.pipeline import Seg2VidPipeline

        self._pipe = Seg2VidPipeline.from_saved_model(saved_model)
        if not self._pipe.has_start_frame:
            raise ValueError(f"{saved_model} has no stage 1: there is nothing to measure")
        self.spec, self.size, self.uses_instances = self._pipe.spec, self._pipe.size, self._pipe.uses_instances
        self.has_style_encoder = self._pipe.has_style_encoder

    def paint(self, label_map, first_seed, reference, instance_map):
        """As of PaintingRun."""
        made = self._pipe(label_map, int(first_seed), NUM_SEEDS.value, reference=reference, instance_map=instance_map)
        return made.start_frame


if __name__ == "__main__":
    run(main)
