"""AnnotationSpec: what the ids of a label map mean.

A spec is a small JSON file (``specs/*.json`` or the user's own path):

    {"name": "...", "ignore_id": 255,
     "classes": [{"id": 0, "name": "road", "color": [128, 64, 128], "foreground": false}, ...],
     "label_sets": {"labelIds": {"7": 0, "8": 1, ...}},
     "color_sets": {"official": {"111,74,0": 255, ...}}}

Class ids are 0..K-1 without gaps, so that class k is channel k of the encoded annotation. ``foreground`` marks the
classes whose motion is their own; all others move with the camera (P2, the two motion paths). ``label_sets`` maps the
ids of other label sets to this spec's ids; an id that a set does not list becomes the ignore id. ``color_sets`` does so
for maps that are painted in colours (red, green, blue); the classes' own colours need none, and go with each set that
does not paint them otherwise.

Two optional parts make a pose map a label map like any other. A class may name the class it becomes in a mirror image,
"mirror": 7 (the left arm turns into the right one), and a spec may say how its maps are drawn from joints:

     "skeleton": {"joints": ["nose", ...], "limbs": {"1": [["nose"], ["left_shoulder", "right_shoulder"]], ...}}

A limb is the line between two ends; an end is a joint, or the middle of several.
"""

import dataclasses
import json
import pathlib

SPEC_DIR = pathlib.Path(__file__).parent / "specs"


@dataclasses.dataclass(frozen=True)
class LabelClass:
    """One class of a spec.

    Attributes:
      id: channel and label-map value, 0..K-1.
      name: what the class is called.
      color: (red, green, blue), 0..255.
      foreground: whether its motion is its own.
      mirror: id of the class that it becomes in a left-right mirror image; None: it stays what it is.
    """

    id: int
    name: str
    color: tuple[int, int, int]
    foreground: bool
    mirror: int | None = None


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """How the classes of a pose map are drawn from joints (pose.py).

    Attributes:
      joints: their names, in the order of the arrays that hold them.
      limbs: {class id: its two ends}, an end being the names of the joints in whose middle it lies.
    """

    joints: tuple[str, ...]
    limbs: dict[int, tuple[tuple[str, ...], tuple[str, ...]]]


@dataclasses.dataclass(frozen=True)
class AnnotationSpec:
    """The classes of a label map and the label sets it can be made from.

    Attributes:
      name: the spec's name, "cityscapes".
      classes: one LabelClass per id, in the order of their ids.
      ignore_id: the one value besides the class ids that a label map may hold (uint8).
      label_sets: {name of another label set: {its id: id here}}. They say what maps can be made from, not what the ids
        mean: specs that differ in nothing else are equal.
      skeleton: how the maps are drawn from joints; None: they are not.
      color_sets: {name: {(red, green, blue): id here}}, as label_sets, for painted maps.
    """

    name: str
    classes: tuple[LabelClass, ...]
    ignore_id: int
    label_sets: dict[str, dict[int, int]] = dataclasses.field(compare=False)
    skeleton: Skeleton | None = None
    color_sets: dict[str, dict[tuple[int, int, int], int]] = dataclasses.field(compare=False, default_factory=dict)

    def __post_init__(self):
        ids = [c.id for c in self.classes]
        if not ids or ids != list(range(len(ids))):
            raise ValueError(
                f"spec {self.name!r}: class ids must be 0..K-1 in order, received {ids}; other ids that maps "
                "are written in go into label_sets: {name: {their id: id here}}"
            )
        names = [c.name for c in self.classes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"spec {self.name!r}: classes that are called alike: {twice}")
        if not len(ids) <= self.ignore_id <= 255:
            raise ValueError(
                f"spec {self.name!r}: ignore_id must lie between the last class id and 255, received {self.ignore_id}"
            )
        allowed = set(ids) | {self.ignore_id}
        for kind, sets in (("label", self.label_sets), ("color", self.color_sets)):
            for set_name, mapping in sets.items():
                unknown = sorted(set(mapping.values()) - allowed)
                if unknown:
                    raise ValueError(f"spec {self.name!r}: {kind} set {set_name!r} maps to unknown ids {unknown}")
        self._check_mirrors()
        if self.skeleton is not None:
            self._check_skeleton(self.skeleton)

    def _check_mirrors(self):
        mirrors = {c.id: c.id if c.mirror is None else c.mirror for c in self.classes}
        for here, there in mirrors.items():
            if mirrors.get(there) != here:
                raise ValueError(
                    f"spec {self.name!r}: class {here} has mirror {there}, whose mirror is {mirrors.get(there)}; "
                    "mirror ids come in pairs that name each other"
                )

    def _check_skeleton(self, skeleton):
        named = {joint for ends in skeleton.limbs.values() for end in ends for joint in end}
        wrong = {
            "joints that come twice": sorted({j for j in skeleton.joints if skeleton.joints.count(j) > 1}),
            "limbs of unknown classes": sorted(set(skeleton.limbs) - {c.id for c in self.classes}),
            "limbs of unknown joints": sorted(named - set(skeleton.joints)),
            "limbs without two ends": sorted(
                i for i, ends in skeleton.limbs.items() if len(ends) != 2 or not all(ends)
            ),
        }
        for problem, found in wrong.items():
            if found:
                raise ValueError(f"spec {self.name!r}: skeleton has {problem}: {found}")

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def foreground_ids(self) -> tuple[int, ...]:
        return tuple(c.id for c in self.classes if c.foreground)

    @property
    def background_ids(self) -> tuple[int, ...]:
        return tuple(c.id for c in self.classes if not c.foreground)

    def class_ids(self, names: list[str], given_by: str) -> list[int]:
        """The ids of classes by name.

        Args:
          names: of classes.
          given_by: what names them, for the error: a flag.

        Raises:
          ValueError: there is no class of such a name.
        """
        known = {c.name: c.id for c in self.classes}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ValueError(f"{given_by}: spec {self.name!r} has no classes {unknown}, it has {sorted(known)}")
        return [known[name] for name in names]

    @property
    def mirror_table(self) -> tuple[int, ...] | None:
        """256 ids: entry i is what id i becomes in a mirror image; None where every id stays what it is."""
        if all(c.mirror in (None, c.id) for c in self.classes):
            return None
        mirrors = {c.id: c.mirror for c in self.classes if c.mirror is not None}
        return tuple(mirrors.get(i, i) for i in range(256))

    def to_json(self) -> dict:
        """The JSON document that ``from_json`` reads back; it has no keys for the optional parts that are not there."""
        document = {
            "name": self.name,
            "ignore_id": self.ignore_id,
            "classes": [_class_to_json(c) for c in self.classes],
            "label_sets": {
                name: {str(source): target for source, target in mapping.items()}
                for name, mapping in self.label_sets.items()
            },
        }
        if self.color_sets:
            document["color_sets"] = {
                name: {",".join(map(str, color)): target for color, target in mapping.items()}
                for name, mapping in self.color_sets.items()
            }
        if self.skeleton is not None:
            limbs = {str(i): [list(end) for end in ends] for i, ends in self.skeleton.limbs.items()}
            document["skeleton"] = {"joints": list(self.skeleton.joints), "limbs": limbs}
        return document

    @classmethod
    def from_json(cls, document: dict) -> "AnnotationSpec":
        """Builds a spec from its JSON document.

        Raises:
          ValueError: a key is missing or a value is not of the documented form.
        """
        missing = {"name", "ignore_id", "classes"} - (set(document) if isinstance(document, dict) else set())
        if missing:
            raise ValueError(
                f"not an annotation spec: it lacks {', '.join(sorted(missing))}; it is an object of name, ignore_id "
                "and classes, and optionally label_sets, color_sets and skeleton"
            )
        try:
            return cls(
                name=document["name"],
                ignore_id=int(document["ignore_id"]),
                classes=tuple(_class_from_json(c) for c in document["classes"]),
                label_sets={
                    name: {int(source): int(target) for source, target in mapping.items()}
                    for name, mapping in document.get("label_sets", {}).items()
                },
                skeleton=_skeleton_from_json(document["skeleton"]) if "skeleton" in document else None,
                color_sets={
                    name: _color_set_from_json(name, mapping)
                    for name, mapping in document.get("color_sets", {}).items()
                },
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not of the form of an annotation spec, {type(error).__name__}: {error}") from error


def _class_to_json(label_class: LabelClass) -> dict:
    document = {**dataclasses.asdict(label_class), "color": list(label_class.color)}
    if label_class.mirror is None:
        del document["mirror"]
    return document


def _class_from_json(c: dict) -> LabelClass:
    if not isinstance(c, dict) or not {"id", "name", "color", "foreground"} <= c.keys():
        raise ValueError(f"a class is an object of id, name, color and foreground, received {c!r}")
    color, mirror = c["color"], c.get("mirror")
    right = isinstance(color, list) and len(color) == 3 and all(isinstance(v, int) and 0 <= v <= 255 for v in color)
    for name, well, form in (
        ("id", type(c["id"]) is int, "an integer"),
        ("name", isinstance(c["name"], str) and c["name"], "a text"),
        ("color", right, "[red, green, blue] of 0..255"),
        ("foreground", isinstance(c["foreground"], bool), "true or false"),
        ("mirror", mirror is None or type(mirror) is int, "a class id"),
    ):
        if not well:
            raise ValueError(f"class {c['name']!r}: {name} must be {form}, received {c.get(name)!r}")
    return LabelClass(c["id"], c["name"], tuple(color), c["foreground"], mirror)


def _color_from_json(text: str) -> tuple[int, int, int]:
    color = tuple(int(v) for v in text.split(","))
    if len(color) != 3 or not all(0 <= v <= 255 for v in color):
        raise ValueError(f"a colour is 'red,green,blue' of 0..255, received {text!r}")
    return color


def _color_set_from_json(name: str, mapping: dict) -> dict[tuple[int, int, int], int]:
    colors = {}
    for text, target in mapping.items():
        color = _color_from_json(text)
        if colors.setdefault(color, int(target)) != int(target):
            raise ValueError(f"color set {name!r}: {color} is there twice, for ids {colors[color]} and {target}")
    return colors


def _without_doubles(pairs: list) -> dict:
    """A JSON object whose keys come once: of two values of one key JSON would drop the first in silence."""
    document = dict(pairs)
    if len(document) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(key for key in keys if keys.count(key) > 1)!r} comes twice in one object")
    return document


def _skeleton_from_json(document: dict) -> Skeleton:
    limbs = {int(i): tuple(tuple(end) for end in ends) for i, ends in document["limbs"].items()}
    return Skeleton(tuple(document["joints"]), limbs)


def load_spec(name_or_path: str) -> AnnotationSpec:
    """The spec of that built-in name ("cityscapes", "camvid", ...: specs/*.json), or the one in that JSON file.

    Raises:
      ValueError: no such name or file, or the file is not a spec.
    """
    path = SPEC_DIR / f"{name_or_path}.json"
    if not path.is_file():
        path = pathlib.Path(name_or_path)
    if not path.is_file():
        known = sorted(p.stem for p in SPEC_DIR.glob("*.json"))
        raise ValueError(f"unknown annotation spec {name_or_path!r}: give one of {known} or the path of a JSON file")
    try:
        return AnnotationSpec.from_json(
            json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_doubles)
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
