"""Labels of any tool -> folders that prepare_data.py reads: frames, label maps in a spec's ids, instance maps.

<out>/<sequence>/image/a.jpg      a copy of the picture; not of maps alone
<out>/<sequence>/label/a.png      8-bit ids
<out>/<sequence>/inst/a.png       16-bit instances of the classes that move, where the format tells them apart
"""

import collections
import dataclasses
import pathlib
import shutil
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.class_names import ClassNames
from seg2vid_tf.annotations.label_map import resize_label_map
from seg2vid_tf.annotations.png_file import grey_png
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.label_formats.labelled import LabelledPicture, NothingLabelled
from seg2vid_tf.data.label_formats.runs import from_runs, runs_of
from seg2vid_tf.data.name_places import Place, place
from seg2vid_tf.files import replacing

SAMPLE_WIDTH = 480


@dataclasses.dataclass
class ImportReport:
    """What was imported.

    Attributes:
      written: how many maps.
      pixels: {their name: pixels}.
      pictures: {their name: pictures}.
      ids: {their name: the spec's id; None where it is not known, and ignored}.
      without_picture: sources whose picture was not found, and what it was looked for as; their maps were not written.
      unlabelled: pictures that nobody labelled, which were not written.
      places: {their name: where it lies in the picture that has most of it}, of those that are not known.
      samples: {stem: (picture's file, label map SAMPLE_WIDTH wide)} of some, for the report.
    """

    written: int = 0
    pixels: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    pictures: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    ids: dict[str, int | None] = dataclasses.field(default_factory=dict)
    without_picture: list[str] = dataclasses.field(default_factory=list)
    unlabelled: list[str] = dataclasses.field(default_factory=list)
    places: dict[str, Place] = dataclasses.field(default_factory=dict)
    samples: dict[str, tuple[pathlib.Path, np.ndarray]] = dataclasses.field(default_factory=dict)


def import_labels(
    pictures: Iterable[LabelledPicture],
    spec: AnnotationSpec,
    names: ClassNames,
    out: pathlib.Path,
    *,
    instances: bool = False,
    maps_alone: bool = False,
    max_samples: int = 12,
    progress: Callable[[int], None] = lambda count: None,
) -> ImportReport:
    """Writes the maps one after the other.

    Args:
      pictures: what was labelled; what has no picture or no label is left out and named.
      spec: whose ids are written.
      names: which id a tool's name means; names that it does not know are ignored, and counted.
      out: the folder to write.
      instances: whether to write instance maps, of the spec's foreground classes; of pictures without any, empty ones.
      maps_alone: whether the maps are of no pictures, as drawn ones are; none is needed or copied then.
      max_samples: pictures to keep for the report.
      progress: called with the number of pictures so far.

    Raises:
      ValueError: labels that cannot be read, or of another size than their picture; two pictures of one name, two
        labels of one picture, or a name that is none of a file.
    """
    report, pictures = ImportReport(), list(pictures)
    if maps_alone:
        pictures = [dataclasses.replace(picture, image=None) for picture in pictures]
    _check_names(pictures, maps_alone)
    chosen = set(np.linspace(0, len(pictures) - 1, min(max_samples, len(pictures))).astype(int).tolist())
    for index, picture in enumerate(pictures):
        progress(index)
        if picture.image is None and not maps_alone:
            report.without_picture.append(f"{picture.source}: {picture.wanted or picture.stem}")
            continue
        folder = out / (picture.sequence or "all")
        try:
            labels = picture.load()
        except NothingLabelled as error:
            report.unlabelled.append(str(error))
            continue
        label_map = _in_ids(labels, picture.image, spec, names, report)
        if picture.image is not None:
            _check_size(picture, label_map.shape)
            _copy(picture.image, folder / "image" / f"{picture.stem}{picture.image.suffix.lower()}")
        _write(folder / "label" / f"{picture.stem}.png", label_map)
        if instances:
            moving = np.isin(label_map, spec.foreground_ids)
            found = np.zeros(label_map.shape, np.uint16) if labels.instances is None else labels.instances
            _write(folder / "inst" / f"{picture.stem}.png", np.where(moving, found, 0).astype(np.uint16))
        if index in chosen and picture.image is not None:
            size = max(1, round(label_map.shape[0] * SAMPLE_WIDTH / label_map.shape[1])), SAMPLE_WIDTH
            report.samples[f"{folder.name}/{picture.stem}"] = (picture.image, resize_label_map(label_map, size))
        report.written += 1
    return report


def _check_names(pictures, maps_alone):
    """Labels name their pictures; what they name must stay within the output, and be a file of its own."""
    names, images = {}, {}
    for picture in pictures:
        for part in (picture.sequence or "all", picture.stem):
            if part in ("", ".", "..") or set(part) & {"/", "\\", "\0"}:
                raise ValueError(
                    f"{picture.source}: {part!r} is neither a folder's nor a picture's name; correct the path of "
                    "its picture"
                )
        if picture.image is None and not maps_alone:
            continue
        name = picture.sequence or "all", picture.stem
        if name in names:
            raise ValueError(f"{picture.source}: a second picture called {name[1]!r} in {name[0]!r}; rename one")
        names[name] = picture
        if picture.image is None:
            continue
        other = images.setdefault(picture.image.resolve(), picture)
        if other is not picture:
            raise ValueError(
                f"{picture.source}: its picture is {picture.image}, and so is that of {other.source}; the right one "
                "may be missing, or its folder must be given by --images"
            )


def _in_ids(labels, image, spec, names, report):
    """uint8 [H, W]: the labels in the spec's ids; counts what is there, and keeps where what is not known lies."""
    numbers, lengths = runs_of(labels.numbers)
    counts = np.bincount(numbers, weights=lengths)
    table = np.full(len(counts), spec.ignore_id, np.uint8)
    for number in np.flatnonzero(counts):
        name = labels.names.get(int(number), f"(number {number})")
        if name not in report.ids:
            report.ids[name] = names.id_of(name)
        report.pixels[name] += int(counts[number])
        report.pictures[name] += 1
        if report.ids[name] is not None:
            table[number] = report.ids[name]
        elif name not in report.places or counts[number] > report.places[name].pixels:
            report.places[name] = place(labels.numbers, number, image)
    return from_runs(table[numbers], lengths, labels.numbers.shape)


def _check_size(picture, shape):
    try:
        with Image.open(picture.image) as image:
            size = image.size[::-1]
    except OSError as error:
        raise ValueError(f"{picture.image}: not a readable picture ({error})") from error
    # Tools that turn a picture upright label what is seen; prepare_data.py asks about it.
    if shape not in (size, size[::-1]):
        raise ValueError(
            f"{picture.source}: labels of {shape[1]}x{shape[0]} pixels, its picture {picture.image} has "
            f"{size[1]}x{size[0]}; they are of another version of the picture"
        )


def _write(path, array):
    with replacing(path) as temporary:
        temporary.write_bytes(grey_png(array))


def _copy(source, target):
    # No link: whoever changed one of the two would change the other.
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
