"""Evaluations side by side: differences of the same clips, so that which clips were measured does not matter."""

import numpy as np

from seg2vid_tf.evaluation.confidence import mean_with_interval
from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder


def compare(first: EvaluationFolder, other: EvaluationFolder) -> dict[str, dict]:
    """How much more another evaluation's scores are than the first one's, clip by clip.

    Returns:
      {method: {score: mean_with_interval of the differences, other - first}} of the methods and scores that both have.

    Raises:
      ValueError: they did not measure the same clips in the same way, or one is not finished.
    """
    for key in ("data", "protocol"):
        found = [folder.identity()[key] for folder in (first, other)]
        if key == "data":  # where it lies does not matter
            found = [{name: value for name, value in data.items() if name != "path"} for data in found]
        if found[0] != found[1]:
            raise ValueError(
                f"{other.path} cannot be compared with {first.path}: its {key} is {found[1]}, not {found[0]}"
            )
    pairs = zip(_scores(first), _scores(other), strict=True)
    differences: dict[str, dict[str, list[float]]] = {}
    for mine, theirs in pairs:
        for method in mine.keys() & theirs.keys():
            for name in mine[method].keys() & theirs[method].keys():
                difference = theirs[method][name] - mine[method][name]
                differences.setdefault(method, {}).setdefault(name, []).append(difference)
    return {
        method: {name: mean_with_interval(np.array(scores[name])) for name in sorted(scores)}
        for method, scores in sorted(differences.items())
    }


def _scores(folder):
    folder.metrics()  # refuses an evaluation that is not finished
    return [record["scores"] for record, _ in folder.clips()]
