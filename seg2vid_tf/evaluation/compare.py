"""Two evaluations held against each other clip by clip."""

from seg2vid_tf.config import differences
from seg2vid_tf.evaluation.confidence import mean_with_interval
from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder, without_paths


def compare(first: EvaluationFolder, other: EvaluationFolder) -> dict[str, dict]:
    """How much more another evaluation's scores are than the first one's, clip by clip.

    Returns:
      {method: {score: mean_with_interval of the differences, other - first}} of the methods and scores that both have;
      without the mean flow where it is that of other training data.

    Raises:
      ValueError: they did not measure the same clips in the same way, or one is not finished.
    """
    mine, theirs = (_comparable(folder.identity()) for folder in (first, other))
    common = mine["networks"].keys() & theirs["networks"].keys()
    changed = differences(*({**each, "networks": {n: each["networks"][n] for n in common}} for each in (mine, theirs)))
    if changed:
        raise ValueError(
            f"{other.path} cannot be compared with {first.path}: they differ in {'; '.join(changed)}. Evaluate both on "
            "the same clips with the same flags"
        )
    trained_on = [without_paths(folder.identity()["train_data"]) for folder in (first, other)]
    apart = {"mean_flow"} if trained_on[0] != trained_on[1] else set()
    gained: dict[str, dict[str, list[tuple[float, str]]]] = {}
    for (recording, mine), (_, theirs) in zip(_scores(first), _scores(other), strict=True):
        for method in (mine.keys() & theirs.keys()) - apart:
            for name in mine[method].keys() & theirs[method].keys():
                gain = theirs[method][name] - mine[method][name]
                gained.setdefault(method, {}).setdefault(name, []).append((gain, recording))
    return {
        method: {name: mean_with_interval(*zip(*scores[name], strict=True)) for name in sorted(scores)}
        for method, scores in sorted(gained.items())
    }


def _comparable(identity):
    """What two evaluations must have in common: clips, protocol but for temperature, networks that both have."""
    if "without_annotation" not in identity:
        raise ValueError(f"{identity['data']['path']} was measured by an older version of evaluate.py: do it again")
    protocol = {name: value for name, value in identity["protocol"].items() if name != "temperature"}
    return without_paths({"data": identity["data"], "protocol": protocol, "networks": identity["networks"]})


def _scores(folder):
    """(recording, scores) of each clip."""
    folder.metrics()  # refuses an evaluation that is not finished
    return [(record["recording"], record["scores"]) for record, _ in folder.clips()]
