"""Devices and workers, and the arithmetic that makes one replica and many take the same step.

A replica is one device of one worker; worker w's replica r of R is the (w R + r)-th of all.
"""

import atexit
import contextlib
import functools
import os
import re
import sys
from collections.abc import Iterator

import tensorflow as tf

from seg2vid_tf.training.workers import Workers


def logical_devices(devices: tuple[str, ...]) -> list[str]:
    """Device names for MirroredStrategy; splits the CPU into logical ones where asked. Call before any other
    TensorFlow.

    Args:
      devices: ("cpu:0", "cpu:1"), ("gpu:0",), or () for every GPU there is and one CPU otherwise.

    Raises:
      ValueError: a device that is not there, or TensorFlow was used before.
    """
    if not devices:
        gpus = len(tf.config.list_physical_devices("GPU"))
        devices = tuple(f"gpu:{i}" for i in range(gpus)) or ("cpu:0",)
    if len(set(devices)) < len(devices):
        raise ValueError(f"devices {devices}: each may be named once")
    cpus = sum(d.lower().startswith("cpu:") for d in devices)
    if cpus > 1:
        try:
            tf.config.set_logical_device_configuration(
                tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * cpus
            )
        except RuntimeError as error:
            raise ValueError(f"devices {devices}: set them before TensorFlow is used ({error})") from error
    known = {d.name.split("device:")[1].lower() for d in tf.config.list_logical_devices()}
    unknown = [d for d in devices if d.lower() not in known]
    if unknown:
        raise ValueError(
            f"no device {unknown}: this machine has {sorted(known)}; logical CPUs count from cpu:0 without gaps"
        )
    return [f"/{d.lower()}" for d in devices]


@functools.lru_cache(maxsize=1)
def mirrored_strategy(devices: tuple[str, ...] = ()) -> tf.distribute.Strategy:
    """MirroredStrategy. One set of devices per process: a second one over several aborts the first's collectives."""
    return tf.distribute.MirroredStrategy(logical_devices(devices))


@functools.lru_cache(maxsize=1)
def workers_strategy() -> tf.distribute.Strategy:
    """MultiWorkerMirroredStrategy of the cluster in TF_CONFIG, each worker with every GPU that it sees, else its CPU.

    Waits for all workers. Call before any other TensorFlow.
    """
    return tf.distribute.MultiWorkerMirroredStrategy()


def training_strategy(devices: tuple[str, ...], workers: Workers) -> tf.distribute.Strategy:
    """The strategy of a process that trains alone or as one of several.

    Args:
      devices: as of logical_devices; () where there are several workers.
      workers: this process's place among them.

    Raises:
      ValueError: as of logical_devices, or several workers and devices that are named.
    """
    if workers.count == 1:
        return mirrored_strategy(devices)
    if devices:
        raise ValueError(
            f"devices {devices}: a worker uses every GPU that it sees, else its CPU: leave --devices out "
            "(CUDA_VISIBLE_DEVICES chooses)"
        )
    print(f"worker {workers.index} of {workers.count} (TF_CONFIG): waiting for the others ...", flush=True)
    return workers_strategy()


# What TensorFlow raises, now this, now that, where a worker that a step waits for is gone.
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


@contextlib.contextmanager
def joint_training(workers: Workers) -> Iterator[None]:
    """Inside it the loss of another worker is a ValueError, and after any error the process ends at once.

    TensorFlow's own end of a process would wait for the other workers, which would go on waiting for this one.
    """
    try:
        yield
    except BaseException as error:
        if workers.count == 1:
            raise
        atexit.register(_end_at_once)  # the handler that is added last runs first
        if not isinstance(error, _LOST):
            raise
        reason = re.search("Collective ops is aborted by.*|$", str(error))[0] or type(error).__name__
        raise ValueError(
            f"worker {workers.index} of {workers.count}: another worker is gone, and none trains on without it: see "
            f"its own output, then start all of them again with --resume (TensorFlow: {reason})"
        ) from error


def _end_at_once():
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def num_workers(strategy: tf.distribute.Strategy) -> int:
    """Processes that a strategy spans."""
    resolver = strategy.cluster_resolver
    cluster = tf.train.ClusterSpec({}) if resolver is None else resolver.cluster_spec()
    return max(1, sum(cluster.num_tasks(job) for job in cluster.jobs))


def summed_over_workers(strategy: tf.distribute.Strategy, number: int) -> int:
    """The sum of each worker's number, on all of them, outside of a step. All have to come here: they wait for it."""
    workers = num_workers(strategy)
    if workers == 1:
        return number
    total = int(_summed(strategy, tf.constant(int(number), tf.int64)))
    return total // (strategy.num_replicas_in_sync // workers)  # each replica brings its worker's


@tf.function
def _summed(strategy, number):
    return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(tf.identity, args=(number,)), axis=None)


def num_replicas() -> int:
    """Replicas in sync where this is called."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def per_replica(loss: tf.Tensor) -> tf.Tensor:
    """A replica's mean loss as its share of the global mean: gradients and metrics are summed over replicas."""
    return loss / num_replicas()


def example_seeds(seed: int, step: tf.Tensor, local_batch: tf.Tensor) -> tf.Tensor:
    """One int64 seed per example of this replica, from its place in the global batch: the same on any replica count."""
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    place = tf.cast(replica, tf.int64) * tf.cast(local_batch, tf.int64) + tf.range(tf.cast(local_batch, tf.int64))
    return (tf.constant(seed, tf.int64) * 1_000_003 + tf.cast(step, tf.int64)) * 65_536 + place


def clip_by_global_norm(gradients: list[tf.Tensor], clip_norm: float) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Clips the gradient of the global batch.

    An optimizer's own clipping sees one replica's part on one of the stacks, so the sum is taken here; it is handed on
    divided by the number of replicas because the optimizer will sum once more.

    Returns:
      (gradients to apply, norm before clipping).
    """
    clipped, norm = tf.clip_by_global_norm(summed_over_replicas(gradients), clip_norm)
    return [per_replica(g) for g in clipped], norm


def summed_over_replicas(value):
    """The sum of every replica's tensor, or list of tensors, on every replica."""
    if num_replicas() == 1:
        return value
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)


def accumulated(gradients_of, examples: dict, parts: int) -> tuple[list[tf.Tensor], dict, tf.Tensor]:
    """Mean gradients and terms over parts of a batch that pass one after the other: less memory, the same step.

    What a network counts per call, it counts per part: power iterations come closer to their limit than in one pass,
    and only that tells the two steps apart.

    Args:
      gradients_of: examples -> (gradients, {name: term}, output [b,...]); means over the examples it is given.
      examples: {name: tensor [B,...]}.
      parts: how many; divides B.

    Returns:
      (gradients, terms, output [B,...]) of all examples.
    """
    if parts == 1:
        return gradients_of(examples)
    splits = {name: tf.split(value, parts) for name, value in examples.items()}
    sums, outputs = None, []
    for i in range(parts):
        # Without the dependency the runtime would work on all parts at once, and hold them all in memory.
        with tf.control_dependencies([] if sums is None else tf.nest.flatten([sums, outputs[-1]])):
            part = {name: tf.identity(split[i]) for name, split in splits.items()}
        *found, output = gradients_of(part)
        # Summed as they come, so that those of one part are held, however many there are.
        sums = found if sums is None else tf.nest.map_structure(tf.add, sums, found)
        outputs.append(output)
    gradients, terms = tf.nest.map_structure(lambda value: value / parts, sums)
    return gradients, terms, tf.concat(outputs, axis=0)
