"""Which of a folder's files follow each other, and in what order, as their names say.

A name holds the frame's number, or the time when it was taken; what comes before it names the run. The number is the
last one of those that change from name to name ("0016E5_07959", "left_000012_rgb"). But cameras write time stamps, and
then "the last number" is a fraction of a second and "the run" is a second: where steps never repeat, or what comes
before the number counts up by itself, the names are read as a clock (name_clock.py). Where they say nothing at all
(hashes, random numbers) that is told; a guess would cut one run into many clips, or shuffle it.
"""

import collections
import dataclasses
import itertools
import re
from fractions import Fraction

from seg2vid_tf.data.folder_files import shown
from seg2vid_tf.data.name_clock import clock_times, may_count, tells_seconds

_DIGITS = re.compile(r"\d+")
# "aachen_000003_000019", perhaps with what it is behind it, "_leftImg8bit".
_STILL = re.compile(r"\d_(?=\d{4,}(?:_[A-Za-z]\w*)?$)")
_WAYS_OUT = (
    "--stills takes each file as a picture of its own, as photographs of different places are; --order=name takes a "
    "folder's in the order of their names, as one run"
)
# Steps of a clock may differ by so much of their median before a frame is missing; a counter's may not.
_MOST_STEP = Fraction(7, 4)
_LEAST_STEP = Fraction(1, 2)
# A counter's common step, "by 2" or "by 30", is exact; a clock's is about so long, in its own units, or longer.
_LEAST_CLOCK_STEP = 8


@dataclasses.dataclass(frozen=True)
class Run:
    """Files that follow each other.

    Attributes:
      name: what their names begin with, without the separators before the number; "" where they are numbers alone.
      prefix: what their names begin with.
      stems: the names without endings, in order.
      numbers: the frames' numbers; where names tell the time, or say no number, their places from 0 up.
      counted: whether the numbers are a counter's, so that a number left out is a missing frame.
      gaps: {stem: what is missing before it}, of a clock.
      remark: how the names were read, where that is not plain; "".
    """

    name: str
    prefix: str
    stems: list[str]
    numbers: list[int]
    counted: bool
    gaps: dict[str, str] = dataclasses.field(default_factory=dict)
    remark: str = ""


def natural_key(stem: str) -> tuple:
    """Sorts "8" before "10"."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", stem)], stem


def by_name(stems: list[str]) -> Run:
    """All files as one run, in the order of their names."""
    ordered = sorted(stems, key=natural_key)
    return Run("", "", ordered, list(range(len(ordered))), counted=False)


def find_order(stems: list[str], where: str) -> list[Run]:
    """The runs that a folder's names tell of, by name.

    Args:
      stems: names without endings.
      where: the folder, for messages.

    Raises:
      ValueError: a name without a number, names that say no order, many runs of one frame.
    """
    families = collections.defaultdict(list)
    for stem in stems:
        if not _DIGITS.search(stem):
            raise ValueError(
                f"{where}: {stem!r} has no number in its name; number the frames in order, 0000, 0001, ... , or "
                f"{_WAYS_OUT}"
            )
        families[_DIGITS.sub("#", stem)].append(stem)
    timed = _timed(stems) if len(families) > 1 else None
    if timed is not None and not timed.gaps:
        # Names of one clock whose digits are not all alike: no fraction in a whole second, AM and PM.
        return [timed]
    runs = [run for family in families.values() for run in _runs_of_family(sorted(family), where)]
    alone = [run.stems[0] for run in runs if len(run.stems) == 1]
    if len(alone) > 2 and 2 * len(alone) > len(runs):
        raise ValueError(
            f"{where}: {len(alone)} of its {len(stems)} names belong to no run, {shown(alone, 3)}: what comes before "
            f"their last number differs, as in hashes and stills, so each would be a clip of one frame; {_WAYS_OUT}"
        )
    return sorted(runs, key=lambda run: run.prefix)


def _runs_of_family(stems, where):
    """The runs of names that differ in their digits alone."""
    columns = list(zip(*(map(int, _DIGITS.findall(stem)) for stem in stems), strict=True))
    varying = [i for i, column in enumerate(columns) if len(set(column)) > 1] or [len(columns) - 1]
    groups = collections.defaultdict(list)
    for stem in stems:
        groups[_before(stem, varying[-1])].append(stem)
    numbers = dict(zip(stems, columns[varying[-1]], strict=True))
    if len(groups) == 1 and varying[-1] < len(columns) - 1 and _STILL.search(stems[0]):
        # The last number is the frame's, of another recording each.
        return [_counted([stem], numbers, stem[: _STILL.search(stem).end()]) for stem in stems]
    if len(groups) == 1:
        return [_one_run(stems, numbers, next(iter(groups)), where)]
    counters = [_counted(group, numbers, prefix) for prefix, group in groups.items()]
    timed = _timed(stems)
    if timed is not None and (
        not timed.gaps or (_even(clock_times(timed.stems)) and 2 * len(timed.gaps) < len(groups))
    ):
        return [timed]
    if _second_by_second(list(groups)):
        ordered = sorted(stems, key=lambda stem: [_column([stem], i) for i in varying])
        return [dataclasses.replace(by_name(ordered), stems=ordered, remark=_as_one(ordered))]
    if all(map(tells_seconds, groups)) or not _regular(counters):
        # One counter may go on through prefixes that count up, or the prefix is the counter.
        for column in (varying[-1], varying[0]):
            values = dict(zip(stems, columns[column], strict=True))
            ordered = sorted(stems, key=values.get)
            rising = all(a <= b for i in varying for a, b in itertools.pairwise(_column(ordered, i)))
            run = _counted(stems, values, _before(stems[0], varying[0]))
            if rising and len(set(values.values())) == len(stems) and _exact(run.numbers):
                return [dataclasses.replace(run, remark=_as_one(run.stems))]
        if timed is not None and _even(clock_times(timed.stems)):
            return [timed]
    if _regular(counters):
        return counters
    cameras = _by_camera(stems, columns, varying, where)
    if cameras:
        return cameras
    if all(len(group) == 1 for group in groups.values()):
        return counters  # find_order tells of runs of one frame
    raise ValueError(
        f"{where}: the names ({shown(stems, 3)}) do not say in which order the frames come: read as counters they "
        f"are {len(groups)} runs without a common step, read as times they are uneven; {_WAYS_OUT}"
    )


def _by_camera(stems, columns, varying, where):
    """The runs of several cameras whose numbers stand in their names beside a clock's; none where that is not so."""
    for column in varying:
        groups = collections.defaultdict(list)
        for stem, number in zip(stems, columns[column], strict=True):
            groups[number].append(stem)
        if not 2 <= len(groups) <= len(stems) // 4:
            continue
        try:
            runs = [_runs_of_family(group, where) for group in groups.values()]
        except ValueError:
            continue
        if all(len(of_one) == 1 for of_one in runs):
            words = (_word(of_one[0].stems[0], column) for of_one in runs)
            return [
                dataclasses.replace(run, name=word if word in run.name or not run.name else f"{run.name}_{word}")
                for (run,), word in zip(runs, words, strict=True)
            ]
    return []


def _word(stem, column):
    """The part of a name, between separators, that holds its n-th number."""
    place = list(_DIGITS.finditer(stem))[column].start()
    return next(m[0] for m in re.finditer(r"[^_\-. ]+", stem) if m.start() <= place < m.end())


def _one_run(stems, numbers, prefix, where):
    run = _counted(stems, numbers, prefix)
    timed, steps = _timed(stems), _steps(run.numbers)
    counts = _exact(run.numbers) and not _jitters(steps)
    # From 000059 to 000100 a minute begins, or forty frames are missing: then it is a counter with a hole, and told.
    is_counter = _exact(run.numbers, most=1.0) or (counts and may_count(stems))
    if timed is not None and not timed.gaps and not is_counter:
        return timed
    if counts:
        return run
    if _even(run.numbers) and sorted(steps)[len(steps) // 2] >= _LEAST_CLOCK_STEP:
        return _clock_run(run.stems, run.numbers, prefix, "")
    if timed is not None and _even(clock_times(timed.stems)):
        return timed
    if len(steps) < 4 or len(set(steps)) <= len(steps) // 2:
        return run
    raise ValueError(
        f"{where}: the numbers in the names ({shown(run.stems, 3)}) go up by {shown(steps, 4)}, steps that hardly "
        f"repeat: times of an uneven pace, or no order; {_WAYS_OUT}"
    )


def _counted(stems, numbers, prefix):
    ordered = sorted(stems, key=lambda stem: (numbers[stem], stem))
    return Run(prefix.strip("_-. "), prefix, ordered, [numbers[stem] for stem in ordered], counted=True)


def _timed(stems):
    """The names as one run by the time they tell, None where they tell none; one name alone is no run of a clock."""
    times = clock_times(stems) if len(stems) > 1 else None
    if times is None:
        return None
    ordered = sorted(zip(times, stems, strict=True))
    first, last = ordered[0][1], ordered[-1][1]
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    prefix = first[:same].rstrip("0123456789.:")
    return _clock_run([stem for _, stem in ordered], [time for time, _ in ordered], prefix, " s")


def _clock_run(stems, times, prefix, unit):
    steps = _steps(times)
    middle = sorted(steps)[len(steps) // 2]
    gaps = {
        after: f"nothing between {before} and {after}: the times in the names are {float(step):g}{unit} apart there, "
        f"elsewhere about {float(middle):g}{unit}"
        for before, after, step in zip(stems, stems[1:], steps, strict=False)
        if step == 0 or step > _MOST_STEP * middle
    }
    remark = f"the names ({shown(stems, 2)}) were read as times, about {float(middle):g}{unit} apart"
    return Run(prefix.strip("_-. "), prefix, stems, list(range(len(stems))), counted=False, gaps=gaps, remark=remark)


def _as_one(stems):
    return f"the names ({shown(stems, 2)}) were read as one run, though more than one number in them counts up"


def _second_by_second(prefixes):
    """Whether these are a clock's seconds, none or one of which is skipped: a camera that numbers a second's frames."""
    if len(prefixes) < 3 or not all(map(tells_seconds, prefixes)):
        return False
    seconds = clock_times([f"{prefix.rstrip('-_., ')}.0" for prefix in prefixes])
    return seconds is not None and all(0 < step <= 2 for step in _steps(sorted(seconds)))


def _before(stem, column):
    """What stands in a name before its n-th number."""
    return stem[: list(_DIGITS.finditer(stem))[column].start()]


def _column(stems, column):
    return [int(_DIGITS.findall(stem)[column]) for stem in stems]


def _steps(numbers):
    return [after - before for before, after in itertools.pairwise(numbers)]


def _exact(numbers, most=0.5):
    """Whether so much of the steps are one and the same, as a counter's are; a single number is."""
    steps = [step for step in _steps(numbers) if step]
    return not steps or max(collections.Counter(steps).values()) >= most * len(steps)


def _jitters(steps):
    """Whether steps that are not the common one are close to it, as a clock's are."""
    common = collections.Counter(steps).most_common(1)[0][0] if steps else 0
    return common >= _LEAST_CLOCK_STEP and any(0 < 4 * abs(step - common) <= common for step in steps)


def _regular(runs):
    """Whether runs of several frames go up by steps that repeat, over all of them."""
    steps = [step for run in runs for step in _steps(run.numbers) if step]
    each = all(_exact(run.numbers) for run in runs if len(run.stems) > 3)
    common = max(collections.Counter(steps).values()) if steps else 0
    return each and 2 * len(runs) <= sum(len(run.stems) for run in runs) and 2 * common >= len(steps)


def _even(times):
    """Whether most steps are about equally long."""
    steps = _steps(sorted(times))
    if not steps:
        return False
    middle = sorted(steps)[len(steps) // 2]
    close = sum(_LEAST_STEP * middle <= step <= _MOST_STEP * middle for step in steps)
    return middle > 0 and close >= 0.75 * len(steps)
