"""Trains stage 2, the motion CVAE.

python experiments/train_motion.py --data_dir=data/street --run_dir=runs/street
"""

from seg2vid_tf.config import MOTION_PRESETS
from seg2vid_tf.flags import run
from seg2vid_tf.training.program import claimed_run, define_training_flags, train

define_training_flags(MOTION_PRESETS)


def main():
    with claimed_run("motion", MOTION_PRESETS) as run_folder:
        from seg2vid_tf.training.motion_trainer import MotionTrainer  # TensorFlow loads here: --help needs none.

        train("motion", MOTION_PRESETS, run_folder, MotionTrainer)


if __name__ == "__main__":
    run(main)
