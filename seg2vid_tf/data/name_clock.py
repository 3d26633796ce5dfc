"""The time that a file's name tells, as cameras and robots write it.

1305031102.175304           seconds and their fraction
1305031102_175304211        seconds since 1970, then micro- or nanoseconds
2020-01-31-12-30-59.123     date and time of the day, with or without separators, with or without a fraction
IMG_20200131_123059         the same, packed
2020-01-31 at 1.30.59 PM    the same by twelve hours

Six bare digits that begin with 00 are a counter, as Cityscapes' "aachen_000003_000019", and no time after midnight.
"""

import datetime
import re
from fractions import Fraction

_TIME = (
    r"(?P<h>[01]\d|2[0-3]|\d(?=\D[0-5]\d\D[0-5]\d\s?[AaPp][Mm]))(?P<sep>[-_.:h]?)(?P<m>[0-5]\d)(?:(?P=sep)|m)"
    r"(?P<s>[0-5]\d)s?(?:[-_.,]?(?P<f>\d{1,9}))?(?:\s?(?P<half>[AaPp])[Mm])?"
)
_DATE = r"(?P<Y>(?:19|20)\d\d)(?P<dsep>[-_.]?)(?P<M>0[1-9]|1[0-2])(?P=dsep)(?P<D>0[1-9]|[12]\d|3[01])"
_CLOCKS = (
    re.compile(rf"(?<!\d){_DATE}[-_. Tt]*{_TIME}(?!\d)"),
    re.compile(rf"(?<!\d)(?!00\d{{4}}(?!\d)){_TIME}(?!\d)"),
)
_SECONDS = re.compile(r"(?<!\d)(?P<s>\d+)\.(?P<f>\d+)(?!\d)")
# Seconds since 1970 have ten digits; what follows them are parts of a second whatever stands between.
_EPOCH = re.compile(r"(?<!\d)(?P<s>1\d{9})[-_.](?P<f>\d{3}|\d{6}|\d{9})(?!\d)")


def clock_times(stems: list[str]) -> list[Fraction] | None:
    """The seconds that names tell, if all tell them in one way and say the same before and after; None: they do not."""
    return _read(stems)[0]


def may_count(stems: list[str]) -> bool:
    """Whether the names' time is a time of the day without a date or a separator: six digits of a counter look so."""
    return all("h" in parts and not parts["sep"] and not parts.get("Y") for parts in _read(stems)[1])


def _read(stems):
    """(the seconds of each name, its time's parts), (None, []) where they tell none."""
    for pattern in (_EPOCH, *_CLOCKS, _SECONDS):
        found = [list(pattern.finditer(stem)) for stem in stems]
        if not all(found):
            continue
        # Where a name tells several times, the last one is the frame's own.
        matches = [m[-1] for m in found]
        around = {(stem[: m.start()], stem[m.end() :]) for stem, m in zip(stems, matches, strict=True)}
        if len(around) == 1:
            parts = [m.groupdict() for m in matches]
            times = [_seconds(each) for each in parts]
            if None not in times:
                return times, parts
    return None, []


def tells_seconds(prefix: str) -> bool:
    """Whether what stands before a frame's last number ends in a clock's whole seconds."""
    prefix = prefix.rstrip("-_., ")
    if re.search(r"(?<!\d)1\d{9}$", prefix):
        return True
    return any((m := list(pattern.finditer(prefix))) and m[-1].end() == len(prefix) for pattern in _CLOCKS)


def _seconds(parts):
    fraction = Fraction(int(parts["f"]), 10 ** len(parts["f"])) if parts.get("f") else Fraction(0)
    if "h" not in parts:
        return int(parts["s"]) + fraction
    days, hours = 0, int(parts["h"])
    if parts["half"]:  # 12 AM is midnight, 12 PM is noon
        hours = hours % 12 + 12 * (parts["half"] in "Pp")
    if parts.get("Y"):
        try:
            days = datetime.date(int(parts["Y"]), int(parts["M"]), int(parts["D"])).toordinal()
        except ValueError:  # the 30th of February
            return None
    return (days * 24 + hours) * 3600 + int(parts["m"]) * 60 + int(parts["s"]) + fraction
