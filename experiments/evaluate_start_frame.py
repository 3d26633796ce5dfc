"""Measures stage 1 of a run on held-out frames: does a picture show its label map, does it look real, does it vary.

    python experiments/evaluate_start_frame.py --run_dir=runs/city --data=data/city/validation \
        --output=runs/city/start_frame.json --segmenter_path=segmenter.tflite --lpips_path=lpips_alex.npz

Beside the JSON it writes a sheet of the first frames (annotation | seeds | real) with the same name and .png.
"""

import json
import pathlib

from absl import flags

from seg2vid_tf.flags import run

RUN_DIR = flags.DEFINE_string("run_dir", None, "folder of a trained run (it holds start_frame/)", required=True)
DATA = flags.DEFINE_string("data", None, "one prepared split (it holds manifest.json)", required=True)
OUTPUT = flags.DEFINE_string("output", None, "JSON file for the results", required=True)
SEGMENTER_PATH = flags.DEFINE_string("segmenter_path", "", "segmenter that answers in Cityscapes trainIds")
LPIPS_PATH = flags.DEFINE_string("lpips_path", "", "LPIPS weights (.npz)")
NUM_SEEDS = flags.DEFINE_integer("num_seeds", 3, "pictures of each label map", lower_bound=1)
MAX_FRAMES = flags.DEFINE_integer("max_frames", None, "measure the first so many frames only", lower_bound=1)
SHEET_ROWS = flags.DEFINE_integer("sheet_rows", 8, "frames on the sheet, evenly spread", lower_bound=1)


def main():
    if not SEGMENTER_PATH.value and not LPIPS_PATH.value:
        raise ValueError("nothing to measure with: give --segmenter_path, --lpips_path or both")
    import tensorflow as tf  # TensorFlow loads here: a mistake above is told at once.

    from seg2vid_tf.annotations.label_map import colorize
    from seg2vid_tf.data.pipeline import make_dataset
    from seg2vid_tf.data.shards import check_shards, manifest_spec
    from seg2vid_tf.evaluation.lpips import load_lpips
    from seg2vid_tf.evaluation.start_frame_scores import StartFrameScores
    from seg2vid_tf.files import write_text
    from seg2vid_tf.media import contact_sheet, save_png
    from seg2vid_tf.models.restore import painter_from_run
    from seg2vid_tf.ops.image import to_uint8
    from seg2vid_tf.ops.segmenter import Segmenter

    painter, config = painter_from_run(RUN_DIR.value)
    manifest = check_shards(DATA.value)
    spec = manifest_spec(manifest)  # not the run's: a label set may have been added since
    if spec != painter.spec:
        raise ValueError(
            f"{DATA.value} holds spec {manifest['spec']['name']!r}, the run was trained on {painter.spec.name!r}"
        )
    scores = StartFrameScores(
        spec,
        Segmenter(SEGMENTER_PATH.value) if SEGMENTER_PATH.value else None,
        load_lpips(LPIPS_PATH.value) if LPIPS_PATH.value else None,
    )
    frames = make_dataset(
        DATA.value,
        num_frames=0,
        batch_size=1,
        training=False,
        size=(config.model.height, config.model.width),
        with_instances=painter.uses_instances,
    )
    if MAX_FRAMES.value:
        frames = frames.take(MAX_FRAMES.value)
    total = min(manifest["num_frames"], MAX_FRAMES.value or manifest["num_frames"])
    shown = {row * total // SHEET_ROWS.value for row in range(SHEET_ROWS.value)}
    seeds = [tf.constant([seed], tf.int64) for seed in range(NUM_SEEDS.value)]
    styles = [painter.draw_style(seed) for seed in seeds]
    rows = []
    for i, example in enumerate(frames):
        label_map, real = example["label_maps"][:, 0], to_uint8(example["frames"][:, 0]).numpy()
        instance_map = example["instance_maps"][:, 0] if painter.uses_instances else None
        painted = [
            to_uint8(painter.paint(label_map, style, seed, instance_map)).numpy()
            for style, seed in zip(styles, seeds, strict=True)
        ]
        scores.add(label_map.numpy(), real, painted)
        if i in shown:
            colors = colorize(label_map.numpy(), painter.spec)
            rows.append([colors[0], *(frame[0] for frame in painted), real[0]])
    result = {"data": DATA.value, "run": RUN_DIR.value, "seeds": NUM_SEEDS.value, **scores.result()}
    write_text(OUTPUT.value, json.dumps(result, indent=2, allow_nan=False) + "\n")
    save_png(contact_sheet(rows), pathlib.Path(OUTPUT.value).with_suffix(".png"))
    print(json.dumps(result, indent=2, allow_nan=False))


if __name__ == "__main__":
    run(main)
