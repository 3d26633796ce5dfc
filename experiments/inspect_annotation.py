"""Says what a label map holds, class by class, and draws it in colours with its legend.

    python experiments/inspect_annotation.py --label_map=map.png --spec=cityscapes --label_ids=labelIds --output=out.png

Without --spec it says which annotation tool or data set writes such a file (a PNG or JSON file, or a folder of them)
and the command that imports it, and lists the bare ids and all built-in specs and label sets, the likeliest first;
--output=out.png then shows where each number of a map lies.
--colors reads a map that is painted in colours: of the classes (--colors=classes) or of one of the spec's colour sets.
"""

import pathlib

import numpy as np
from absl import flags

from seg2vid_tf.flags import run

LABEL_MAP = flags.DEFINE_string("label_map", None, "PNG of class ids or of colours, or any tool's file", required=True)
SPEC = flags.DEFINE_string("spec", "", "built-in name or JSON file")
LABEL_IDS = flags.DEFINE_string("label_ids", None, "label set of the file where it is not the spec's own, as labelIds")
COLORS = flags.DEFINE_string("colors", None, "classes, or a colour set of the spec, as official: the map is painted")
PALETTE = flags.DEFINE_bool("palette", False, "read a palette PNG's indices as class ids")
OUTPUT = flags.DEFINE_string(
    "output", "", "PNG to draw the map and its legend in; without --spec, where each number lies"
)
_LEAST_KNOWN = 0.5  # share of the pixels; a spec that knows fewer is none of the likely ones


def main():
    from seg2vid_tf.annotations.color_map import read_told_map
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.media import save_png

    if not SPEC.value:
        useless = [flag.name for flag in (LABEL_IDS, COLORS) if flag.value]
        if useless:
            raise ValueError(f"--{useless[0]} needs --spec: without one there are ids, but no classes")
        _say_what_it_is()
        return
    if COLORS.value not in (None, "grey") and LABEL_IDS.value:
        raise ValueError("a map holds ids or colours: give --colors, or --label_ids")
    spec = load_spec(SPEC.value)
    told = {"label_ids": LABEL_IDS.value, "palette": PALETTE.value, "colors": COLORS.value}
    label_map = read_told_map(LABEL_MAP.value, spec, **told)
    counts = np.bincount(label_map.ravel(), minlength=256)
    rows = [(c.id, c.name, "foreground" if c.foreground else "background", counts[c.id]) for c in spec.classes]
    rows.append((spec.ignore_id, "(ignored)", "", counts[spec.ignore_id]))
    print(f"{LABEL_MAP.value}: {label_map.shape[0]} x {label_map.shape[1]} (height x width), spec {spec.name}")
    for class_id, name, group, count in rows:
        if count:
            print(f"{class_id:4d}  {name:20s} {group:10s} {count:9d} pixels {count / label_map.size:7.2%}")
    if OUTPUT.value:
        save_png(_drawn(label_map, spec, counts), OUTPUT.value)
        print(f"drawn in {OUTPUT.value}")


def _say_what_it_is():
    """Which tool writes such a file and how it is imported; of a map of ids also what it holds."""
    from seg2vid_tf.annotations.map_file import read_ids
    from seg2vid_tf.data.label_formats.formats import FORMATS
    from seg2vid_tf.data.label_formats.identify import identify

    path = pathlib.Path(LABEL_MAP.value)
    if not path.exists():
        raise ValueError(f"{path}: no such file")
    name = identify(path)
    if name is not None:
        whole = path if path.is_dir() or path.suffix == ".json" and name in ("coco", "label_studio") else path.parent
        print(f"{path}: format {name} ({FORMATS[name].tool}); this imports it:")
        print(f"  import_labels.py --format={name} --input={whole} --spec=SPEC --output=my_frames  (--images=FOLDER)")
    elif path.is_dir() or path.suffix.lower() == ".json":
        raise ValueError(f"{path}: of no format that import_labels.py knows, {sorted(FORMATS)}")
    try:
        ids = read_ids(path, depths=(8, 16), allow_palette=True)
    except ValueError as error:
        if name is None and path.suffix.lower() != ".png":
            raise
        if name is None:
            raise ValueError(
                f"{error}. Are its colours your own? This lists them: import_labels.py --format=own_colors "
                f"--input={path} --images=PHOTO --spec=SPEC --output=my_photo (--maps_alone where there is no photo)"
            ) from error
        if OUTPUT.value:
            raise ValueError(f"--output without --spec shows where a map's numbers lie, {path} has none") from error
        return
    own = f"import_labels.py --format=own_numbers --input={path} --images=PHOTO --map=1:road,2:car"
    print(f"if its numbers are your own, this names them: {own} --spec=SPEC --output=my_photo")
    print("(--maps_alone in place of --images, where there is no photo)")
    if not OUTPUT.value:
        print("(--output=numbers.png shows where each of them lies)")
    if OUTPUT.value:
        _draw_places(ids)
    _list_ids(ids)


def _draw_places(ids):
    """A tile for each number of a map."""
    from seg2vid_tf.data.name_places import MOST_TILES, place, sheet
    from seg2vid_tf.media import save_png

    numbers, counts = np.unique(ids, return_counts=True)
    most = numbers[np.argsort(-counts, kind="stable")[:MOST_TILES]]
    places = {str(number): place(ids, number) for number in most}
    save_png(sheet({name: (where, where.pixels / ids.size) for name, where in places.items()}), OUTPUT.value)
    of = f"each of the {MOST_TILES} largest of {len(numbers)} numbers" if len(numbers) > MOST_TILES else "each number"
    print(f"where {of} lies: {OUTPUT.value}")


def _list_ids(ids):
    from seg2vid_tf.annotations.spec import SPEC_DIR, load_spec
    from seg2vid_tf.annotations.usual_places import encoding_of, scores

    values, counts = np.unique(ids, return_counts=True)
    print(f"{LABEL_MAP.value}: {ids.shape[0]} x {ids.shape[1]} (height x width), {len(values)} ids")
    for value, count in zip(values, counts, strict=True):
        print(f"{value:6d} {count:9d} pixels {count / ids.size:7.2%}")
    likely, rows = scores(ids), []
    for path in sorted(SPEC_DIR.glob("*.json")):
        spec = load_spec(path.stem)
        own = {*range(spec.num_classes), spec.ignore_id}
        for label_set, known in ((None, own), *((name, set(mapping)) for name, mapping in spec.label_sets.items())):
            share = counts[np.isin(values, list(known))].sum() / ids.size
            score = likely.get(encoding_of(spec, label_set), -np.inf)
            of_it = f"--spec={spec.name}" + (f" --label_ids={label_set}" if label_set else "")
            rows.append((score, share, spec.num_classes, of_it))
    # Official maps hold ids besides those of classes, which label sets leave out, but never for most of the picture. Of
    # those that are written alike, the one that tells more classes apart.
    print("generate.py, for a model of the spec, and prepare_data.py take the --label_ids of one of these lines:")
    print("share of the pixels whose ids are known, the likeliest first, by where the ids lie and how many there are:")
    for _, share, _, of_it in sorted(rows, key=lambda row: (row[1] < _LEAST_KNOWN, -row[0], -row[1], -row[2])):
        print(f"{share:7.2%}  {of_it}")


def _drawn(label_map, spec, counts):
    """The map in colours, and to its right a square of each class's colour with its name."""
    from PIL import Image, ImageDraw

    from seg2vid_tf.annotations.label_map import colorize

    line, present = 14, [c for c in spec.classes if counts[c.id]]
    height = max(label_map.shape[0], line * (len(present) + 1))
    picture = Image.new("RGB", (label_map.shape[1] + 160, height), "white")
    picture.paste(Image.fromarray(colorize(label_map, spec)), (0, 0))
    draw, left = ImageDraw.Draw(picture), label_map.shape[1] + 8
    for row, label_class in enumerate(present):
        top = row * line + 2
        draw.rectangle([left, top, left + 9, top + 9], fill=label_class.color, outline="black")
        draw.text((left + 16, top - 1), f"{label_class.id} {label_class.name}", fill="black")
    if counts[spec.ignore_id]:
        top = len(present) * line + 2
        draw.rectangle([left, top, left + 9, top + 9], fill="black")
        draw.text((left + 16, top - 1), f"{spec.ignore_id} (ignored)", fill="black")
    return np.asarray(picture)


if __name__ == "__main__":
    run(main)
