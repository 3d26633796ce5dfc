"""Trains stage 1, the start-frame generator.

    python experiments/train_start_frame.py --data_dir=data/street --run_dir=runs/street

With --segmenter_path (a segmenter that answers in Cityscapes trainIds) or --lpips_path (the weights of LPIPS)
held-out frames are measured every --measure_every steps: in the log, in TensorBoard and in
<run_dir>/start_frame/measures.jsonl.
"""

from absl import flags

from seg2vid_tf.config import START_FRAME_PRESETS
from seg2vid_tf.flags import run
from seg2vid_tf.training.program import claimed_run, define_training_flags, train

define_training_flags(START_FRAME_PRESETS)
SEGMENTER_PATH = flags.DEFINE_string("segmenter_path", "", "segmenter that judges the generated frames")
LPIPS_PATH = flags.DEFINE_string("lpips_path", "", "LPIPS weights (.npz) that judge the generated frames")
MEASURED_FRAMES = flags.DEFINE_integer("measured_frames", 16, "held-out frames that are measured", lower_bound=1)


def main():
    with claimed_run("start_frame", START_FRAME_PRESETS) as run_folder:
        _train(run_folder)


def _train(run_folder):
    from seg2vid_tf.training.start_frame_measures import StartFrameMeasures  # TensorFlow loads here: --help needs none.
    from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer

    def make_measure(batches, frames, spec):
        count = min(frames, MEASURED_FRAMES.value)
        return StartFrameMeasures(batches, spec, SEGMENTER_PATH.value, LPIPS_PATH.value, count)

    measured = SEGMENTER_PATH.value or LPIPS_PATH.value
    train("start_frame", START_FRAME_PRESETS, run_folder, StartFrameTrainer, make_measure if measured else None)


if __name__ == "__main__":
    run(main)
