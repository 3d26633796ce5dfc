"""Scores of finished evaluations as a Markdown table, which is how documents and model cards get theirs.

Reads what evaluate.py (metrics.json) and evaluate_start_frame.py (--output) wrote.
"""

import math
import pathlib
from collections.abc import Sequence

from seg2vid_tf.evaluation.report import better, mean_of
from seg2vid_tf.evaluation.score_meanings import meanings
from seg2vid_tf.files import read_document

_ARROWS = {1: " ↑", -1: " ↓", 0: ""}


def markdown_table(
    evaluations: Sequence[str], scores: Sequence[str], methods: Sequence[str] = (), intervals: bool = False
) -> str:
    """A row per evaluation and method, a column per score.

    Each entry may say before an "=" what the table is to call it, "KID=kid_inception".

    Args:
      evaluations: folders that hold a metrics.json, or such files, or those of evaluate_start_frame.py, which know one
        method, the model.
      scores: columns; names as in the files, deeper ones by dots ("style.classes.road.share").
      methods: rows of each evaluation, as "reconstruction"; none: all that it has.
      intervals: with the 95 % interval of each mean that has one, low to high.

    Returns:
      The table, its lines ending in a newline, numbers to three digits, standard errors behind ±, arrows at the scores
      of which more or less is better.

    Raises:
      ValueError: no evaluations or scores are given, a file is missing or damaged, a score or method that none has.
    """
    if not evaluations or not scores:
        raise ValueError(f"give evaluations and scores, received {list(evaluations)} and {list(scores)}")
    columns, chosen = [_named(entry) for entry in scores], [_named(entry) for entry in methods]
    rows, known = [], set()
    for title, path in map(_named, evaluations):
        by_method = _scores(path)
        known |= by_method.keys()
        asked = [(method, method) for method in by_method] if "" in by_method or not chosen else chosen
        for label, method in asked:
            if method in by_method:
                words = [title if len(evaluations) > 1 or not label else "", label]
                rows.append((": ".join(filter(None, words)), by_method[method]))
    _check("method", [method for _, method in chosen], known - {""})
    _check("score", [name for _, name in columns], {name for _, values in rows for name in values})
    lines = [["", *(title + _ARROWS[better(name) if meanings([name]) else 0] for title, name in columns)]]
    lines.append(["---"] * len(lines[0]))
    lines += [[title, *(_cell(values, name, intervals) for _, name in columns)] for title, values in rows]
    return "".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in line)}|\n" for line in lines)


def _check(kind, asked, known):
    missing = [name for name in asked if name not in known]
    if missing:
        raise ValueError(f"no {kind} {', '.join(missing)} in these evaluations; they have {', '.join(sorted(known))}")


def _named(entry):
    """(title, name) of "title=name", or of a name, which is its own title."""
    title, equals, name = entry.partition("=")
    return (title, name) if equals else (entry, entry)


def _scores(path):
    """{method: {score: number, None or mean_with_interval}}; the method of a start frame's scores is ""."""
    file = pathlib.Path(path)
    file = file / "metrics.json" if file.is_dir() else file
    try:
        document = read_document(file)
    except FileNotFoundError as error:
        raise ValueError(
            f"{file}: no such file; give the --output of evaluate.py or evaluate_start_frame.py"
        ) from error
    except ValueError as error:
        raise ValueError(f"{file} is damaged ({error}): evaluate again") from error
    if "methods" not in document:
        return {"": _flat(document)}
    return {method: {**scores, **document["sets"].get(method, {})} for method, scores in document["methods"].items()}


def _flat(document, before=""):
    """{"a.b": number or None} of a document's numbers, however deep."""
    found = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
        elif value is None or type(value) in (int, float):
            found[before + name] = value
    return found


def _cell(values, name, intervals):
    value = values.get(name)
    mean = mean_of(value)
    if mean is None:
        return ""
    digits = _digits(mean)
    shown = f"{mean:.{digits}f}"
    if values.get(f"{name}_stderr") is not None:
        shown += f" ± {values[f'{name}_stderr']:.{digits}f}"
    if intervals and isinstance(value, dict) and value["low"] is not None:
        shown += f" ({value['low']:.{digits}f} to {value['high']:.{digits}f})"
    return shown


def _digits(value):
    """How many decimals show three digits of a number; none of a count."""
    return 0 if isinstance(value, int) or not value else max(0, 2 - math.floor(math.log10(abs(value))))
