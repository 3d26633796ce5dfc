r"""Imports labels that an annotation tool or a data set wrote: folders of frames and maps in a spec's ids.

    python experiments/import_labels.py --input=export --spec=my_classes.json --output=my_frames
    python experiments/import_labels.py --input=instances.json --images=photos --spec=cityscapes --output=my_frames \
        --map=pavement:sidewalk,my_car:ignored
    python experiments/import_labels.py --input=map.png --images=photo.jpg --spec=cityscapes --output=my_photo \
        --format=own_numbers --map=1:road,2:car

Classes go by name: case, spaces and signs do not count, digits only where a name with them is known; usual
synonyms are known, --map says the rest; names that nobody knows are ignored and listed with their counts. The format is
found out, or given by --format; inspect_annotation.py says what a single file is. Of maps whose numbers or colours
mean what only you know, --format=own_numbers or own_colors lists them, and --map names them; where each one lies is
drawn in unknown_names.png, or in OUTPUT_unknown_names.png as long as no name is known. The output is what
prepare_data.py --dataset=frame_folder reads; import_report.html in it shows pictures beside their maps. An import that
fails leaves nothing there.
"""

import dataclasses
import pathlib
import re
import sys
import time

from absl import flags

from seg2vid_tf.flags import run

INPUT = flags.DEFINE_string("input", None, "folder or file that the tool wrote", required=True)
SPEC = flags.DEFINE_string("spec", None, "classes to map to, a built-in name or a JSON file", required=True)
OUTPUT = flags.DEFINE_string("output", None, "folder to write, which must not be there yet", required=True)
FORMAT = flags.DEFINE_string("format", "", "what --input is, where it is not found out; see label_formats/formats.py")
IMAGES = flags.DEFINE_string(
    "images", "", "folder of the pictures, where they are not beside the labels; of a single label file, its picture"
)
MAP = flags.DEFINE_list("map", [], "their name:ours, comma-separated; ours may be ignored")
MAPS_ALONE = flags.DEFINE_bool("maps_alone", False, "there are no pictures: write label maps, which make videos")
INSTANCES = flags.DEFINE_bool("instances", True, "write instance maps where the format tells instances apart")
UNKNOWN = "unknown_names.png"
PICTURES = flags.DEFINE_integer("pictures", 12, "pictures to show in the report", lower_bound=0)


def main():
    from seg2vid_tf.annotations.class_names import ClassNames
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.data.label_formats.formats import FORMATS
    from seg2vid_tf.data.label_import import import_labels
    from seg2vid_tf.data.label_import_report import html_report, name_rows
    from seg2vid_tf.files import check_new, replacing_folder, write_text

    spec, root, out = load_spec(SPEC.value), pathlib.Path(INPUT.value), pathlib.Path(OUTPUT.value)
    images = pathlib.Path(IMAGES.value) if IMAGES.value else None
    check_paths(root, images)
    check_new(out)
    pairs = [_pair(text) for text in MAP.value]
    if twice := [theirs for theirs, ours in pairs if dict(pairs)[theirs] != ours]:
        raise ValueError(f"--map gives {twice[0]!r} twice, as two classes; leave one")
    names = ClassNames(spec, dict(pairs))
    name, pictures = labelled_pictures(root, images)
    print(f"{root}: {name} ({FORMATS[name].tool}), {len(pictures)} pictures")
    started = time.monotonic()

    def progress(count):
        if sys.stderr.isatty():
            rate = count / max(time.monotonic() - started, 1e-6)
            print(f"{count}/{len(pictures)} pictures, {rate:.0f} a second", end="\r", file=sys.stderr, flush=True)

    options = {"instances": INSTANCES.value and FORMATS[name].instances, "maps_alone": MAPS_ALONE.value}
    with replacing_folder(out) as folder:
        report = import_labels(pictures, spec, names, folder, **options, max_samples=PICTURES.value, progress=progress)
        print("\n".join(name_rows(report, spec)))
        draw_unknown(report, spec, folder, out)
        say_what_is_missing(report, name, root, images)
        check_report(report, spec, root, images, [theirs for theirs, _ in pairs])
        write_text(folder / "import_report.html", html_report(f"{root}, {name}", report, spec))
    if report.places:
        print(f"where the names that are not known lie: {out / UNKNOWN}")
    print(f"{report.written} maps in {out}, {time.monotonic() - started:.0f} s; report: {out / 'import_report.html'}")
    say_what_is_next(out)


def check_paths(root, images):
    """Refuses what the flags name and is not there."""
    for flag, path in (("input", root), ("images", images)):
        if path is not None and not path.exists():
            raise ValueError(f"--{flag}={path}: no such file or folder")
    if MAPS_ALONE.value and images is not None:
        raise ValueError("--maps_alone means that there are no pictures, --images where they are: give one")


def labelled_pictures(root, images):
    """(name of the format, what its reader finds) of the labels in ``root``."""
    from seg2vid_tf.data.label_formats.formats import FORMATS, reader
    from seg2vid_tf.data.label_formats.identify import identify

    name = FORMAT.value or identify(root)
    if name is None:
        raise ValueError(
            f"{root}: of no format that is known from its files; give --format, one of {sorted(FORMATS)}. Of PNGs of "
            "numbers or colours of your own: --format=own_numbers or own_colors, with --map=1:road,2:car"
        )
    single = images if images is not None and images.is_file() else None
    pictures = reader(name)(root, None if single else images)
    if single:
        if len(pictures) != 1:
            raise ValueError(
                f"--images={images} is one picture, --input={root} has the labels of {len(pictures)}: give the folder "
                "of the pictures, or one file of labels"
            )
        pictures = [dataclasses.replace(pictures[0], image=single)]
    if not pictures:
        raise ValueError(f"{root}: no labels of format {name} ({FORMATS[name].tool}) in it; give another --format")
    return name, pictures


def draw_unknown(report, spec, folder, out):
    """Where the names lie that are not known: into the output, or beside it where no name is and so nothing comes."""
    from seg2vid_tf.data.label_import_report import places_sheet
    from seg2vid_tf.media import save_png

    drawn = places_sheet(report)
    if drawn is None:
        return
    if nothing_known(report, spec):
        beside = out.with_name(f"{out.name}_{UNKNOWN}")
        save_png(drawn, beside)
        print(f"where each of them lies: {beside}")
    else:
        save_png(drawn, folder / UNKNOWN)


def nothing_known(report, spec):
    """Whether no name in the labels is a class."""
    return all(i in (None, spec.ignore_id) for i in report.ids.values())


def say_what_is_missing(report, name, root, images):
    """What was odd in the labels, and which pictures were left out."""
    if any(theirs.startswith("(number ") for theirs in report.ids):
        print(f"note: numbers that {name} does not have: the maps may be of another --format")
    for why, sources in (
        (f"their pictures were not found below {images or root} (--images)", report.without_picture),
        ("nothing was labelled in them", report.unlabelled),
    ):
        if sources:
            print(f"left out, {why}: {len(sources)}, the first {sources[0]}")


def say_what_is_next(out):
    """The commands that go on from here: data to train on, or a video of one picture."""
    label_map = next(iter(sorted(out.glob("*/label/*.png"))))
    model = "--preset=cityscapes" if SPEC.value == "cityscapes" else "--saved_model=FOLDER"
    if MAPS_ALONE.value:
        print(f"next, a video: generate.py {model} --label_map={label_map} --resize --output=out")
        print(f"or, of all: generate_dataset.py {model} --input={out} --resize --output=out")
        return
    command = f"prepare_data.py --dataset=frame_folder --input={out} --spec={SPEC.value}"
    print(f"next, to train: {command} --dry_run --output=data/mine (--stills, where pictures do not follow each other)")
    photo = next(path for path in label_map.parent.with_name("image").iterdir() if path.stem == label_map.stem)
    print(
        f"or, a video of a photo: generate.py {model} --label_map={label_map} --start_frame={photo} "
        "--resize --fit=crop --output=out"
    )


def check_report(report, spec, root, images, mapped):
    """Refuses an import that nothing came of; mapped: the names that --map gives a class."""
    if not report.written and report.without_picture:
        raise ValueError(
            f"{root}: none of its pictures was found below {images or root}, the first is {report.without_picture[0]}; "
            "give their folder by --images, or --maps_alone where there are none"
        )
    if not report.written:
        raise ValueError(f"{root}: nothing was labelled in any of its pictures, as {report.unlabelled[0]}")
    unknown = [name for name in mapped if name not in report.ids]
    if unknown:
        print(f"note: {root} holds no {', '.join(unknown)}, which --map names")
    if nothing_known(report, spec):
        if unknown:
            raise ValueError(f"{root}: --map names {unknown[0]!r}, which is not in it; it has {', '.join(report.ids)}")
        raise ValueError(
            f"{root}: none of its names or numbers is a class of spec {spec.name!r} yet; give --map=theirs:ours,.., "
            "where ours may be ignored"
        )


def _pair(text):
    theirs, separator, ours = text.rpartition(":")
    if FORMAT.value == "own_colors":
        theirs = _color_name(theirs)
    if not separator or not theirs:
        raise ValueError(
            f"--map takes theirs:ours, comma-separated, received {text!r}; a pair with a comma in it goes into double "
            "quotes of its own"
        )
    return theirs, ours


def _color_name(name):
    """A colour as --format=own_colors lists it, 200-030-030, where it is written as 200-30-30 or #c81e1e."""
    if match := re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", name):
        return "-".join(f"{int(part, 16):03d}" for part in match.groups())
    if re.fullmatch(r"\d{1,3}-\d{1,3}-\d{1,3}", name):
        return "-".join(f"{int(part):03d}" for part in name.split("-"))
    return name


if __name__ == "__main__":
    run(main)
