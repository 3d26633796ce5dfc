"""Takes a few steps of one trainer on one replica and on two, and writes down where both arrive (test_replicas.py).

    python two_replicas.py STAGE CONFIG_JSON SPEC DATA_DIR OUTPUT_NPZ

A process of its own: logical devices must be set before TensorFlow is used, and a second strategy over several devices
would poison the tests' process. Both read the same batches, through the path that ``fit`` takes.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.compat import raw_variables
from seg2vid_tf.config import MotionConfig, StartFrameConfig, from_json
from seg2vid_tf.data.pipeline import make_dataset
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.motion_trainer import MotionTrainer
from seg2vid_tf.training.replicas import mirrored_strategy
from seg2vid_tf.training.start_frame_trainer import StartFrameTrainer

STAGES = {"start_frame": (StartFrameConfig, StartFrameTrainer), "motion": (MotionConfig, MotionTrainer)}


def variables(strategy, trainer):
    """{name: array} of every variable of networks and optimizers, as the last replica holds it."""
    return {
        f"{name}/{i}": strategy.experimental_local_results(v)[-1].numpy()
        for name, owner in trainer.checkpointed.items()
        for i, v in enumerate(raw_variables(owner))
    }


def take_steps(strategy, trainer_class, config, spec, data_dir):
    """(trainer, {name: array}): loss terms of every step, and every variable before, between and after them."""
    keras.utils.set_random_seed(config.training.seed)
    with strategy.scope():
        trainer = trainer_class(config, spec)
        for name, owner in trainer.checkpointed.items():
            if "optimizer" in name:
                # Adam divides a gradient by its own size: rounding noise around zero becomes a full step. This large,
                # epsilon leaves the gradient its size: what is compared are gradients, through the whole of Adam.
                owner.epsilon = 1.0
            else:
                # Heads of zeros would let no gradient through to what lies before them.
                rng = np.random.default_rng(2)
                for v in owner.trainable_variables:
                    if not v.numpy().any():
                        v.assign(rng.normal(0.0, 0.1, v.shape).astype(np.float32))

    def train_step(batch, step):
        shares = strategy.run(trainer.train_step, args=(batch, step))
        return {k: strategy.reduce(tf.distribute.ReduceOp.SUM, share, axis=None) for k, share in shares.items()}

    if strategy.num_replicas_in_sync > 1:
        train_step = tf.function(train_step)  # one replica runs op by op: tracing takes longer than the steps

    size = (config.model.height, config.model.width)
    options = {"num_frames": trainer.num_frames, "batch_size": config.training.batch_size, "size": size, "seed": 1}
    batches = iter(
        strategy.distribute_datasets_from_function(
            lambda context: make_dataset(data_dir, input_context=context, **options)
        )
    )
    arrays = {f"before/{name}": value for name, value in variables(strategy, trainer).items()}
    for step in range(config.training.steps):
        for name, value in train_step(next(batches), tf.constant(step, tf.int64)).items():
            arrays[f"term/{step}/{name}"] = value.numpy()
        if step + 1 < config.training.steps:
            arrays |= {f"between/{step}/{name}": value for name, value in variables(strategy, trainer).items()}
    arrays |= {f"after/{name}": value for name, value in variables(strategy, trainer).items()}
    return trainer, arrays


def main(stage, config_path, spec_name, data_dir, output):
    two = mirrored_strategy(("cpu:0", "cpu:1"))
    config_class, trainer_class = STAGES[stage]
    with open(config_path, encoding="utf-8") as file:
        config = from_json(config_class, json.load(file))
    results, trainers = {}, {}
    for replicas, strategy in ((2, two), (1, tf.distribute.OneDeviceStrategy("/cpu:0"))):
        if strategy.num_replicas_in_sync != replicas:
            sys.exit(f"{strategy} has {strategy.num_replicas_in_sync} replicas, expected {replicas}")
        trainers[replicas], arrays = take_steps(strategy, trainer_class, config, load_spec(spec_name), data_dir)
        results |= {f"{replicas}/{name}": value for name, value in arrays.items()}
        RunFolder(f"{output}.{replicas}").save(trainers[replicas].checkpointed, 1)
    # Each goes on with the other's checkpoint.
    for replicas, other, strategy in ((1, 2, tf.distribute.get_strategy()), (2, 1, two)):
        RunFolder(f"{output}.{other}").restore(trainers[replicas].checkpointed)
        restored = variables(strategy, trainers[replicas])
        results |= {f"{replicas}/restored/{name}": value for name, value in restored.items()}
    np.savez(output, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
