"""Which of the processes that train one run together this one is, as the variable TF_CONFIG says.

Each process has it in its environment, the same list and its own index:

    {"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}

The form is TensorFlow's own (tf.distribute.cluster_resolver.TFConfigClusterResolver); a task "chief" may stand before
the workers. Read here without TensorFlow, so that a program can refuse in a second what cannot work.
"""

import dataclasses
import json
import os


@dataclasses.dataclass(frozen=True)
class Workers:
    """A process's place among those that train together; the first one is the chief, which alone writes the run.

    Attributes:
      index: this one's, from 0.
      count: how many there are; 1: it trains alone.
    """

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        return self.index == 0


def workers_from_environment() -> Workers:
    """As TF_CONFIG says; alone where it is not set or names no cluster.

    Raises:
      ValueError: it cannot be read, or names tasks of other kinds than "chief" and "worker", or none of its own as this
        process's.
    """
    text = os.environ.get("TF_CONFIG", "")
    if not text.strip():
        return Workers()
    try:
        config = json.loads(text)
        cluster = {job: list(addresses) for job, addresses in config.get("cluster", {}).items()}
        job, index = config.get("task", {}).get("type"), int(config.get("task", {}).get("index", 0))
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            'TF_CONFIG must be JSON such as {"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": '
            f'"worker", "index": 0}}}}, received {text!r} ({error})'
        ) from error
    if not cluster:
        return Workers()
    if unknown := sorted(set(cluster) - {"chief", "worker"}):
        raise ValueError(
            f"TF_CONFIG: the cluster names {', '.join(unknown)}; a training has workers (and one chief) alone: leave "
            "the others out"
        )
    chiefs = cluster.get("chief", [])
    addresses = [*chiefs, *cluster.get("worker", [])]
    if len(chiefs) > 1 or len(set(addresses)) < len(addresses):
        raise ValueError(f"TF_CONFIG: there is one chief, and each address is named once, received {cluster}")
    if not 0 <= index < len(cluster.get(job, [])):
        raise ValueError(f"TF_CONFIG: the task {job!r} {index} is none of the cluster's, {cluster}")
    return Workers(index + (len(chiefs) if job == "worker" else 0), len(addresses))
