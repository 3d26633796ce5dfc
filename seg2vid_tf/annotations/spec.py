"""AnnotationSpec: what the ids of a label map mean.

A spec is a small JSON file (``specs/*.json`` or the user's own path):

    {"name": "...", "ignore_id": 255,
     "classes": [{"id": 0, "name": "road", "color": [128, 64, 128], "foreground": false}, ...],
     "label_sets": {"labelIds": {"7": 0, "8": 1, ...}}}

Class ids are 0..K-1 without gaps, so that class k is channel k of the encoded annotation. ``foreground`` marks the
classes whose motion is their own; all others move with the camera (P2, the two motion paths). ``label_sets`` maps the
ids of other label sets to this spec's ids; an id that a set does not list becomes the ignore id.
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
    """

    id: int
    name: str
    color: tuple[int, int, int]
    foreground: bool


@dataclasses.dataclass(frozen=True)
class AnnotationSpec:
    """The classes of a label map and the label sets it can be made from.

    Attributes:
      name: the spec's name, "cityscapes".
      classes: one LabelClass per id, in the order of their ids.
      ignore_id: the one value besides the class ids that a label map may hold (uint8).
      label_sets: {name of another label set: {its id: id here}}.
    """

    name: str
    classes: tuple[LabelClass, ...]
    ignore_id: int
    label_sets: dict[str, dict[int, int]]

    def __post_init__(self):
        ids = [c.id for c in self.classes]
        if not ids or ids != list(range(len(ids))):
            raise ValueError(f"spec {self.name!r}: class ids must be 0..K-1 in order, received {ids}")
        if not len(ids) <= self.ignore_id <= 255:
            raise ValueError(
                f"spec {self.name!r}: ignore_id must lie between the last class id and 255, received {self.ignore_id}"
            )
        allowed = set(ids) | {self.ignore_id}
        for set_name, mapping in self.label_sets.items():
            unknown = sorted(set(mapping.values()) - allowed)
            if unknown:
                raise ValueError(f"spec {self.name!r}: label set {set_name!r} maps to unknown ids {unknown}")

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def foreground_ids(self) -> tuple[int, ...]:
        return tuple(c.id for c in self.classes if c.foreground)

    @property
    def background_ids(self) -> tuple[int, ...]:
        return tuple(c.id for c in self.classes if not c.foreground)

    def to_json(self) -> dict:
        """The JSON document that ``from_json`` reads back."""
        return {
            "name": self.name,
            "ignore_id": self.ignore_id,
            "classes": [{**dataclasses.asdict(c), "color": list(c.color)} for c in self.classes],
            "label_sets": {
                name: {str(source): target for source, target in mapping.items()}
                for name, mapping in self.label_sets.items()
            },
        }

    @classmethod
    def from_json(cls, document: dict) -> "AnnotationSpec":
        """Builds a spec from its JSON document.

        Raises:
          ValueError: a key is missing or a value is not of the documented form.
        """
        try:
            return cls(
                name=document["name"],
                ignore_id=int(document["ignore_id"]),
                classes=tuple(
                    LabelClass(int(c["id"]), c["name"], tuple(int(v) for v in c["color"]), bool(c["foreground"]))
                    for c in document["classes"]
                ),
                label_sets={
                    name: {int(source): int(target) for source, target in mapping.items()}
                    for name, mapping in document.get("label_sets", {}).items()
                },
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not an annotation spec, {type(error).__name__}: {error}; see {__name__}") from error


def load_spec(name_or_path: str) -> AnnotationSpec:
    """The spec of that built-in name ("cityscapes", "synthetic_street"), or the one in that JSON file.

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
        return AnnotationSpec.from_json(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
