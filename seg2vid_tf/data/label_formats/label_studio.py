"""Label Studio: the JSON export, or the PNGs of its brush export.

    [{"id": 1, "data": {"image": "/data/upload/1/ab12cd34-a.jpg"}, "annotations": [{"result": [
       {"type": "brushlabels", "original_width": 20, "original_height": 10,
        "value": {"format": "rle", "rle": [...], "brushlabels": ["car"]}},
       {"type": "polygonlabels", ..., "value": {"points": [[x, y], ...], "polygonlabels": ["sky"]}}]}]}]
    [{"id": 1, "image": "...", "tag": [{"original_width": 20, "original_height": 10, "points": [...],
       "polygonlabels": ["sky"]}]}]                                                     its JSON-MIN
    task-1-annotation-2-by-1-tag-car-0.png       grey, 0 or 255

Positions are per cent of the picture's sides. Of a task's annotations the first that was not cancelled counts; later
results lie above earlier ones. Source: github.com/HumanSignal/label-studio-converter.
"""

import functools
import pathlib
import re

import numpy as np

from seg2vid_tf.annotations.png_file import read_ids_png
from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.label_formats.addresses import file_names
from seg2vid_tf.data.label_formats.drawing import Drawing
from seg2vid_tf.data.label_formats.label_studio_regions import KINDS, draw_region
from seg2vid_tf.data.label_formats.labelled import OTHER_FORM, LabelledPicture, Labels, NothingLabelled, read_json
from seg2vid_tf.data.label_formats.picture_finder import PICTURES, PictureFinder

TOOL = "Label Studio"
_PNG = re.compile(r"task-(\d+)-annotation-(\d+)-by-[\w@.]*-[^-]+-(.+)-(\d+)\.png")


def is_it(document) -> bool:
    """Whether a JSON document is of this form."""
    first = document[0] if isinstance(document, list) and document else None
    if not isinstance(first, dict):
        return False
    return "data" in first and bool({"annotations", "completions"} & first.keys()) or bool(_short_results(first))


def is_png(path: pathlib.Path) -> bool:
    """Whether a file is called as its PNGs are."""
    return _PNG.fullmatch(path.name) is not None


def read(root: pathlib.Path, images: pathlib.Path | None) -> list[LabelledPicture]:
    """The tasks of an export's JSON file, or the PNGs of a folder."""
    base = root.parent if root.is_file() else root
    finder = PictureFinder(images, base)
    if root.is_dir():
        masks = {}
        for file in files_below(root, "task-*.png"):
            if match := _PNG.fullmatch(file.name):
                masks.setdefault(int(match[1]), []).append((int(match[4]), match[3], file))
        if masks:
            return [_of_masks(task, sorted(files), finder) for task, files in sorted(masks.items())]
    found = []
    for file in [root] if root.is_file() else files_below(root, "*.json"):
        document = read_json(file)
        for task in document if is_it(document) else ():
            found.append(_of_task(file, task, finder))
    return found


def _of_task(file, task, finder):
    try:
        texts = [v for k, v in task.get("data", task).items() if isinstance(v, str) and k != "text"]
    except OTHER_FORM as error:
        raise ValueError(f"{file}: a task that is not as Label Studio writes it ({error})") from error
    address = next((text for text in texts if _is_picture(text)), texts[0] if texts else "")
    names = file_names(address)
    image = next((path for name in names if (path := finder.find(name, file))), None)
    own = pathlib.PurePosixPath(names[-1] if names else "")
    if image is None and not own.parent.name:
        image = finder.find_stored(own.name)
    wanted = f"task {task.get('id')}, {' or '.join(names) or 'which names none'}"
    load = functools.partial(_labels, file, task)
    return LabelledPicture(image.stem if image else own.stem, own.parent.name, image, file, load, wanted)


def _is_picture(text):
    return any(pathlib.PurePosixPath(name).suffix.lower() in PICTURES for name in file_names(text))


def _short_results(task):
    """The results of a task in the tool's shorter export, JSON-MIN: its values stand beside the address."""
    return [
        {"type": kind, "value": value, "id": f"{key} {number}"} | value
        for key, values in task.items()
        for number, value in enumerate(values if isinstance(values, list) else ())
        if isinstance(value, dict) and "original_width" in value
        for kind in value
        if kind in KINDS
    ]


def _labels(file, task) -> Labels:
    try:
        done = [a for a in task.get("annotations", task.get("completions", [])) if not a.get("was_cancelled")]
        results = [r for r in (done[0]["result"] if done else _short_results(task)) if "original_width" in r]
        if not results:
            raise NothingLabelled(f"{file}: task {task.get('id')}")
        width, height = int(results[0]["original_width"]), int(results[0]["original_height"])
        drawing = Drawing((height, width))
        for result in results:
            draw_region(drawing, result, (width, height))
        return drawing.labels(f"{file}: task {task.get('id')}")
    except OTHER_FORM as error:
        raise ValueError(f"{file}: task {task.get('id')}: not as Label Studio writes it ({error})") from error


def _of_masks(task, files, finder):
    def load():
        masks = [(name, number, read_ids_png(file) > 0) for number, name, file in files]
        drawing = Drawing(masks[0][2].shape)
        # The files say no order: what is smaller lies above.
        for name, number, mask in sorted(masks, key=lambda which: -np.count_nonzero(which[2])):
            drawing.mask(name, mask, instance=number)
        return drawing.labels(str(files[0][2]))

    image = finder.find(f"task-{task}.jpg", files[0][2]) or finder.find(f"{task}.jpg", files[0][2])
    wanted = f"task-{task}.* or {task}.*; these PNGs do not say which picture they are of, the JSON export does"
    return LabelledPicture(f"task-{task}", "", image, files[0][2], load, wanted)
