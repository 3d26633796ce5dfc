"""What all clips together say: means with intervals, curves over frames, and the scores of the whole set."""

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.evaluation.confidence import mean_with_interval
from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder
from seg2vid_tf.evaluation.set_scores import SetScores

REAL = "real"  # the method that stands for the real clips, in the parts of set scores


def summarise(folder: EvaluationFolder, spec: AnnotationSpec) -> dict:
    """Reads an evaluation's clips, one after the other.

    Returns:
      {"clips", "recordings": how many, "methods": {method: {score: mean_with_interval}}, "by_frame": {method: {score:
      means [T]}}, "sets": {method: {score: number or None}}, "warnings": [what could not be measured]}.

    Raises:
      ValueError: no clip was measured, or a file is damaged.
    """
    values: dict[str, dict[str, list[tuple[float, str]]]] = {}  # a score that some clips lack is there without them
    curves: dict[str, dict[str, list]] = {}
    sets: dict[str, SetScores] = {}
    recordings: list[str] = []
    for count, (record, parts) in enumerate(folder.clips()):
        recordings.append(record["recording"])
        for method, scores in record["scores"].items():
            for name, value in scores.items():
                values.setdefault(method, {}).setdefault(name, []).append((value, record["recording"]))
        for method, scores in record["by_frame"].items():
            for name, frames in scores.items():
                total = curves.setdefault(method, {}).setdefault(name, np.zeros(len(frames)))
                total += frames
        for method, part in parts.items():
            sets.setdefault(method, SetScores(spec)).add(part, count)
    count = len(recordings)
    if not count:
        raise ValueError(f"{folder.path}: no clip was measured")
    by_set, warnings = {}, []
    if len(set(recordings)) == 1:
        warnings.append(
            f"no intervals: all clips ({count}) are of one recording, {recordings[0]!r}, and do not say how far others "
            "would differ; evaluate on several"
        )
    for method, scores in sets.items():
        scores.learn_what_classifiers_say(sets.values())
        by_set[method], missing = scores.result(None if method == REAL else sets[REAL])
        warnings += [line for line in missing if line not in warnings]
    return {
        "clips": count,
        "recordings": len(set(recordings)),
        "methods": {
            m: {n: mean_with_interval(*zip(*v, strict=True)) for n, v in scores.items()} for m, scores in values.items()
        },
        "by_frame": {m: {n: (v / count).tolist() for n, v in scores.items()} for m, scores in curves.items()},
        "sets": {method: scores for method, scores in by_set.items() if scores},
        "warnings": warnings,
    }
