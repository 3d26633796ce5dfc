"""Classes by name: what other data sets and tools call the classes of a spec.

Case, spaces and signs do not count ("Traffic Light", "traffic_light"); where no name is equal by this, digits and a
plural's s at the end do not count either ("Car 1", "cars"). A name that then means two classes ("zone", of a spec with
"zone 1" and "zone 2") is refused. Names of one row of synonyms.py mean the same; a spec that has several of them takes
each for itself. Names of VOID mean that nothing was labelled.
"""

import re

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.annotations.synonyms import ENDINGS, PARTS, SYNONYMS, VOID

# What --map calls the ignore id.
IGNORED = "ignored"


def exact(name: str) -> str:
    """A name without case, spaces and signs, "Traffic_Light 1" -> "trafficlight1"."""
    return re.sub(r"[\W_]+", "", name.lower())


def plain(name: str) -> str:
    """A name without digits, and a plural's s, either, "Traffic_Lights 1" -> "trafficlight"."""
    letters = re.sub(r"\d+", "", exact(name)) or exact(name)
    return letters[:-1] if letters.endswith("s") and not letters.endswith("ss") and len(letters) > 3 else letters


class ClassNames:
    """Which id of a spec a name means.

    Args:
      spec: the spec.
      given: {their name: the spec's name or another of its class, or "ignored"}. Exact names go first, those given
        before the spec's own; then what was given goes before everything else.

    Raises:
      ValueError: a name of the spec's that it does not have, or that means several classes of it; names that differ
        only in case, spaces and signs and mean different classes.
    """

    def __init__(self, spec: AnnotationSpec, given: dict[str, str] | None = None):
        self._spec = spec
        self._own = _Names(f"spec {spec.name!r}", {c.name: c.id for c in spec.classes})
        own = self._own.plain
        self._known = {}
        for row in SYNONYMS:
            ids = {plain(name): own[plain(name)] for name in row if plain(name) in own}
            # What the row calls first is its usual name; "tree" goes to "vegetation" and not to "plant".
            usual = next((ids[plain(name)] for name in row if plain(name) in ids), None)
            if usual is not None:
                self._known |= {plain(name): usual for name in row}
        for *parts, whole in PARTS:
            if plain(whole) in self._known:
                self._known = {plain(part): self._known[plain(whole)] for part in parts} | self._known
        self._known |= own
        ids = {}
        for theirs, ours in (given or {}).items():
            ids[theirs] = self._own.id_of(ours)
            if ids[theirs] is None and plain(ours) == plain(IGNORED):
                ids[theirs] = spec.ignore_id
            if ids[theirs] is None:
                ids[theirs] = self._known.get(plain(ours))
            if ids[theirs] is None:
                raise ValueError(
                    f"--map={theirs}:{ours}: spec {spec.name!r} has no class {ours!r}, it has "
                    f"{[c.name for c in spec.classes]} and {IGNORED!r}"
                )
        self._given = _Names("--map", ids)

    def id_of(self, name: str) -> int | None:
        """The spec's id; its ignore id of a name that means nothing; None of one that is not known.

        Raises:
          ValueError: a name that means several.
        """
        key = plain(name)
        for names in (self._given, self._own):
            if exact(name) in names.exact:
                return names.exact[exact(name)]
        for names in (self._given, self._own):
            if (found := names.id_of(name)) is not None:
                return found
        if key in self._known:
            return self._known[key]
        for ending in ENDINGS:
            if key.endswith(ending) and key.removesuffix(ending) in self._known:
                return self._known[key.removesuffix(ending)]
        return self._spec.ignore_id if not key or key in {plain(void) for void in VOID} else None


class _Names:
    """Names and their ids, found by their exact form, then by their plain one.

    Args:
      whose: who has them, for messages.
      ids: {name: id}.
    """

    def __init__(self, whose, ids):
        self.exact, self.plain, self._whose, self._ids = {}, {}, whose, ids
        self._several = set()
        for name, number in ids.items():
            if self.exact.setdefault(exact(name), number) != number:
                raise ValueError(
                    f"{whose}: {name!r} and another name differ in nothing but case, spaces and signs, and are two "
                    "classes; rename one"
                )
            if self.plain.setdefault(plain(name), number) != number:
                self._several.add(plain(name))
        for key in self._several:
            del self.plain[key]

    def id_of(self, name):
        """The id, or None; raises ValueError where several are meant."""
        if exact(name) in self.exact:
            return self.exact[exact(name)]
        if plain(name) in self._several:
            meant = [other for other in self._ids if plain(other) == plain(name)]
            raise ValueError(f"{name!r} may be any of {meant} of {self._whose}; say which by --map")
        return self.plain.get(plain(name))
