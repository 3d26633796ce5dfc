"""Trains stage 1, the start-frame generator.

python experiments/train_start_frame.py --data_dir=data/street --run_dir=runs/street
"""

from seg2vid_tf.config import START_FRAME_PRESETS
from seg2vid_tf.flags import run
from seg2vid_tf.training.program import define_training_flags, train

define_training_flags(START_FRAME_PRESETS)


def main():
    from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer  # TensorFlow loads here: --help needs none.

    train("start_frame", START_FRAME_PRESETS, StartFrameTrainer)


if __name__ == "__main__":
    run(main)
