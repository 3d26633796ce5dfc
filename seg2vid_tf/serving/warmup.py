"""Warm-up requests: what a server runs of a version before it serves it, so that the first caller does not wait."""

import pathlib
from collections.abc import Callable

import numpy as np

from seg2vid_tf.serving.prediction_log import read_log, write_log

WARMUP = pathlib.Path("assets.extra") / "tf_serving_warmup_requests"


def write_warmup(folder: pathlib.Path, name: str, examples: dict[str, dict[str, np.ndarray]]) -> None:
    """Writes one request of one row for each signature.

    A request that fails would fail the whole load: these are rows that the export was proved with.

    Args:
      folder: the version folder.
      name: the model's.
      examples: {signature: {input: array}} (verify.example_inputs).
    """
    rows = {
        signature: ({key: value[:1] for key, value in inputs.items()}, {}) for signature, inputs in examples.items()
    }
    write_log(folder / WARMUP, name, rows)


def warm_up(folder: pathlib.Path, run: Callable[[str, dict], dict]) -> list[str]:
    """Runs a version's warm-up requests as a server does before it serves it.

    Args:
      folder: the version folder.
      run: run(signature, inputs) -> outputs.

    Returns:
      The signatures that were asked; [] where the version has no such requests.
    """
    if not (folder / WARMUP).exists():
        return []
    requests = read_log(folder / WARMUP)
    for signature, (inputs, _) in requests.items():
        run(signature, inputs)
    return list(requests)
