"""Measures stage 2 of a model on prepared clips, beside the baselines.

    python experiments/evaluate.py --run_dir=runs/street --data=data/street/validation --output=runs/street/metrics.json

Each window of T+1 frames goes through the posterior mean. Reported, as means over clips: PSNR of the reconstruction and
of copying frame 0; of --samples motions drawn from the prior the best one's PSNR, and how much they differ; how much
the flow of background and foreground changes with one part of z taken from the window before (--swap); where the data
holds exact motion, also EPE on visible pixels beside that of zero flow, and the F1 score of the occluded pixels.
"""

import json

import numpy as np
from absl import flags

from seg2vid_tf.flags import run

DATA = flags.DEFINE_string("data", None, "one prepared split (it holds manifest.json)", required=True)
OUTPUT = flags.DEFINE_string("output", None, "JSON file for the results", required=True)
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "model folder (newest version) or version folder")
RUN_DIR = flags.DEFINE_string("run_dir", None, "folder that holds motion/, instead of --saved_model")
SAMPLES = flags.DEFINE_integer("samples", 20, "motions drawn from the prior for each window; 0 or at least 2")
TEMPERATURE = flags.DEFINE_float(
    "temperature", None, "how much the samples differ: 0 not at all, 1 as the prior says; default: the model's own"
)
SWAP = flags.DEFINE_bool("swap", True, "also take one part of z from the window before; needs a model with two paths")
MAX_CLIPS = flags.DEFINE_integer("max_clips", None, "measure this many windows only", lower_bound=1)


def main():
    if bool(SAVED_MODEL.value) == bool(RUN_DIR.value):
        raise ValueError("give exactly one of --saved_model and --run_dir")
    if SAMPLES.value < 0 or SAMPLES.value == 1:
        raise ValueError(f"--samples must be 0 or at least 2, received {SAMPLES.value}: one alone differs from nothing")
    if TEMPERATURE.value is not None and not SAMPLES.value:
        raise ValueError("--temperature means nothing with --samples=0; leave it out")
    from seg2vid_tf.data.pipeline import make_dataset  # TensorFlow loads here: a mistake above is told at once.
    from seg2vid_tf.data.shards import check_shards, manifest_spec
    from seg2vid_tf.evaluation.motion_scores import MotionScores
    from seg2vid_tf.files import write_text
    from seg2vid_tf.ops.image import to_uint8
    from seg2vid_tf.pipeline import Seg2VidPipeline

    if SAVED_MODEL.value:
        pipe = Seg2VidPipeline.from_saved_model(SAVED_MODEL.value)
    else:
        pipe = Seg2VidPipeline.from_run(RUN_DIR.value, start_frame=False)
    manifest = check_shards(DATA.value)
    if manifest_spec(manifest) != pipe.spec:
        raise ValueError(
            f"{DATA.value} holds spec {manifest['spec']['name']!r}, the model was trained on {pipe.spec.name!r}"
        )
    has_motion = manifest["has_motion"]
    windows = make_dataset(
        DATA.value,
        num_frames=pipe.num_frames,
        batch_size=1,
        training=False,
        with_motion=has_motion,
        size=None if has_motion else pipe.size,
    )
    if MAX_CLIPS.value:
        windows = windows.take(MAX_CLIPS.value)
    scores, split, before = MotionScores(), pipe.background_latent, None
    for i, window in enumerate(windows):
        frames, label_map = to_uint8(window["frames"][0]).numpy(), window["label_maps"][0, 0].numpy()
        truth = {name: value[0].numpy() for name, value in window.items()} if has_motion else None
        samples = None
        if SAMPLES.value:  # each window draws its own
            drawn = {"seed": i * SAMPLES.value, "num_videos": SAMPLES.value, "temperature": TEMPERATURE.value}
            samples = pipe(label_map, start_frame=frames[0], **drawn)
        z, _ = pipe.encode_motion(frames, label_map)
        swaps = None
        if SWAP.value and before is not None and len(z) > split:
            mixed = np.concatenate([before[:split], z[split:]]), np.concatenate([z[:split], before[split:]])
            foreground = np.isin(label_map, pipe.spec.foreground_ids)
            swaps = *(pipe(label_map, start_frame=frames[0], z=part[None]) for part in mixed), foreground
        scores.add(frames, pipe(label_map, start_frame=frames[0], z=z[None]), truth, samples, swaps)
        before = z
    result = {"data": DATA.value, "model": SAVED_MODEL.value or RUN_DIR.value, **scores.result()}
    write_text(OUTPUT.value, json.dumps(result, indent=2, allow_nan=False) + "\n")
    print(json.dumps(result, indent=2, allow_nan=False))


if __name__ == "__main__":
    run(main)
