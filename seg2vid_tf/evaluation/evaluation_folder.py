"""EvaluationFolder: what was measured of each clip, kept as it comes, so that a stopped evaluation goes on.

<folder>/evaluation.json          what is measured of what, and by which versions
<folder>/train_data.npz           "mean_flow" of the training data, where it can be had, and "warnings" about the data
<folder>/clips/<number>.json      {"recording": that it was cut from, "scores": {method: {score: value}},
                                  "by_frame": {method: {score: [T]}}}
<folder>/clips/<number>.npz       "<method>/<measure>": what the clip adds to the scores of its set (set_scores.py)
<folder>/metrics.json, report.html, logs/       made of these at the end
"""

import hashlib
import json
import math
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from seg2vid_tf.config import differences
from seg2vid_tf.files import read_document, write_document
from seg2vid_tf.ops.npz_file import read_arrays, write_arrays


class EvaluationFolder:
    """One evaluation's files.

    Args:
      path: the folder; it need not exist.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self._clips = self.path / "clips"

    def start(self, identity: dict) -> None:
        """Claims the folder for an evaluation, or goes on with this very one.

        Args:
          identity: all that the numbers follow from.

        Raises:
          ValueError: the folder holds another evaluation, or something else.
        """
        path = self.path / "evaluation.json"
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"{self.path} is a file: give another --output")
        if path.exists():
            changed = differences(*(without_paths(each) for each in (self.identity(), identity)))
            if changed:
                raise ValueError(
                    f"{self.path} holds another evaluation; it differs in {'; '.join(changed)}. Give the same flags to "
                    "go on with it, or another --output"
                )
        # Temporary files that a kill may leave have names that begin with a dot.
        elif any(not file.name.startswith(".") for file in self.path.glob("*")):
            raise ValueError(f"{self.path} is there and holds no evaluation: give another --output")
        else:
            write_document(path, identity)

    def identity(self) -> dict:
        """What ``start`` was told.

        Raises:
          ValueError: there is no evaluation, or its file is damaged.
        """
        return self._document("evaluation.json", "give another --output")

    def finish(self, metrics: dict) -> None:
        """Writes metrics.json."""
        write_document(self.path / "metrics.json", metrics)

    def metrics(self) -> dict:
        """metrics.json of a finished evaluation.

        Raises:
          ValueError: it is not finished, or the file is damaged.
        """
        return self._document("metrics.json", "delete it and evaluate again")

    def train_data(
        self, make: Callable[[], tuple[np.ndarray | None, list[str]]]
    ) -> tuple[np.ndarray | None, list[str]]:
        """Mean flow float32 [T,H,W,2], None where it is not known, and warnings: what was kept, else made and kept.

        Raises:
          ValueError: the file is damaged.
        """
        path = self.path / "train_data.npz"
        if not path.exists():
            mean_flow, warnings = make()
            given = {} if mean_flow is None else {"mean_flow": mean_flow}
            write_arrays(path, {"warnings": np.array(warnings, str), **given})
        arrays = _arrays(path, f"delete {path}")
        return arrays.get("mean_flow"), arrays["warnings"].tolist()

    def has(self, number: int) -> bool:
        """Whether a clip was measured."""
        return self._path(number, "json").exists()

    def save(self, number: int, record: dict, parts: dict[str, dict[str, np.ndarray]]) -> None:
        """Keeps what was measured of a clip: record as in the module docstring, parts {method: {measure: array}}."""
        arrays = {f"{method}/{name}": array for method, part in parts.items() for name, array in part.items()}
        write_arrays(self._path(number, "npz"), arrays)
        write_document(self._path(number, "json"), _without_nan(record))  # last: it is what makes a clip measured

    def clips(self) -> Iterator[tuple[dict, dict[str, dict[str, np.ndarray]]]]:
        """(record, parts) of the clips measured, in order; a missing value is NaN again.

        Raises:
          ValueError: a file is damaged.
        """
        # Not the temporary files that a kill may leave, whose names begin with a dot.
        for number in range(len(list(self._clips.glob("[0-9]*.json")))):
            path = self._path(number, "json")
            record = _with_nan(self._document(f"clips/{path.name}", "delete it and evaluate again"))
            if "recording" not in record:
                raise ValueError(
                    f"{path} was measured by an older version of evaluate.py: delete {self._clips.parent}, or give "
                    "another --output"
                )
            parts: dict[str, dict[str, np.ndarray]] = {}
            for key, array in _arrays(path.with_suffix(".npz"), f"delete {path}").items():
                method, name = key.split("/", 1)
                parts.setdefault(method, {})[name] = array
            yield record, parts

    def _path(self, number, suffix):
        return self._clips / f"{number:06d}.{suffix}"

    def _document(self, name, advice):
        path = self.path / name
        try:
            return read_document(path)
        except FileNotFoundError as error:
            raise ValueError(f"{path}: no such file, is it the --output of a finished evaluation?") from error
        except ValueError as error:
            raise ValueError(f"{path} is damaged ({error}): {advice}") from error


def _arrays(path, advice):
    try:
        return read_arrays(path)
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): {advice} and go on") from error


def config_hash(identity: dict) -> str:
    """The first 12 digits of the SHA-256 of all that numbers follow from: equal hashes, equal numbers."""
    return hashlib.sha256(json.dumps(without_paths(identity), sort_keys=True).encode()).hexdigest()[:12]


def without_paths(identity):
    """An identity as JSON holds it, less every "path": what lies there has a digest, and may lie elsewhere."""
    if isinstance(identity, dict):
        return {key: without_paths(value) for key, value in identity.items() if key != "path"}
    return [without_paths(value) for value in identity] if isinstance(identity, list | tuple) else identity


def _without_nan(value):
    """JSON has no NaN: None stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(value):
    if isinstance(value, dict):
        return {key: _with_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_nan(each) for each in value]
    return float("nan") if value is None else value
