"""Says what a label map holds, class by class, and draws it in colours with its legend.

    python experiments/inspect_annotation.py --label_map=map.png --spec=cityscapes --label_ids=labelIds --output=out.png

Without --spec it lists the bare ids and says which built-in specs and label sets know all of them. --colors reads a map
that is painted in colours: of the classes (--colors=classes) or of one of the spec's colour sets.
"""

import numpy as np
from absl import flags

from seg2vid_tf.flags import run

LABEL_MAP = flags.DEFINE_string("label_map", None, "PNG of class ids, or of colours", required=True)
SPEC = flags.DEFINE_string("spec", "", "built-in name or JSON file")
LABEL_IDS = flags.DEFINE_string("label_ids", None, "label set of the file where it is not the spec's own, as labelIds")
COLORS = flags.DEFINE_string("colors", None, "classes, or a colour set of the spec, as official: the map is painted")
PALETTE = flags.DEFINE_bool("palette", False, "read a palette PNG's indices as class ids")
OUTPUT = flags.DEFINE_string("output", "", "PNG to draw the map and its legend in")


def main():
    from seg2vid_tf.annotations.label_map import read_color_map, read_label_map
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.media import save_png

    if not SPEC.value:
        useless = [flag.name for flag in (LABEL_IDS, COLORS, OUTPUT) if flag.value]
        if useless:
            raise ValueError(f"--{useless[0]} needs --spec: without one there are ids, but no classes")
        _list_ids()
        return
    if COLORS.value and (LABEL_IDS.value or PALETTE.value):
        raise ValueError("a map holds ids or colours: give --colors, or --label_ids and --palette")
    spec = load_spec(SPEC.value)
    if COLORS.value:
        label_map = read_color_map(LABEL_MAP.value, spec, "" if COLORS.value == "classes" else COLORS.value)
    else:
        label_map = read_label_map(LABEL_MAP.value, spec, label_ids=LABEL_IDS.value, palette=PALETTE.value)
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


def _list_ids():
    from seg2vid_tf.annotations.png_file import read_ids_png
    from seg2vid_tf.annotations.spec import SPEC_DIR, load_spec

    ids = read_ids_png(LABEL_MAP.value, depths=(8, 16), allow_palette=True)
    values, counts = np.unique(ids, return_counts=True)
    print(f"{LABEL_MAP.value}: {ids.shape[0]} x {ids.shape[1]} (height x width), {len(values)} ids")
    for value, count in zip(values, counts, strict=True):
        print(f"{value:6d} {count:9d} pixels {count / ids.size:7.2%}")
    shares, classes = {}, {}
    for path in sorted(SPEC_DIR.glob("*.json")):
        spec = load_spec(path.stem)
        own = {*range(spec.num_classes), spec.ignore_id}
        for flags_of_it, known in (
            (f"--spec={spec.name}", own),
            *((f"--spec={spec.name} --label_ids={name}", set(mapping)) for name, mapping in spec.label_sets.items()),
        ):
            shares[flags_of_it] = counts[np.isin(values, list(known))].sum() / ids.size
            classes[flags_of_it] = spec.num_classes
    # Official maps hold ids besides those of classes, which label sets leave out.
    print("share of the pixels whose ids are known:")
    # Of those that know as much, the one that tells more classes apart.
    for flags_of_it, share in sorted(shares.items(), key=lambda item: (-item[1], -classes[item[0]]))[:6]:
        print(f"{share:7.2%}  {flags_of_it}")


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
