#!/usr/bin/env bash
# Datumaro: what it writes as Cityscapes' label ids and KITTI's semantics are numbers of its own, and its lists of classes
# may name no colours.
#
# A map called a_gtFine_labelIds.png holds the number of the data set's class plus one (here sky is 1 and road 2; among
# Cityscapes' own ids those are the ego vehicle and the rectification border), KITTI's map the number without the one, in
# 16 bits. Who reads them by the official ids gets other classes. What is what only the painted maps and the list beside
# them tell; a data set without colours is painted in Pascal VOC's, and its list has names alone.
#
# Seen 2026-11-29 with Datumaro 1.13.12. What the project does about it: seg2vid_tf/data/label_formats/id_maps.py and
# class_lists.py.
set -euo pipefail

seen='cityscapes, labelIds: uint8, sky 1, road 2, the colour of sky (128, 0, 0)
cityscapes, label_colors.txt: " sky| road"
kitti, semantic: uint16, sky 0, road 1, the colour of sky (0, 0, 0)
voc, labelmap.txt: "# label:color_rgb:parts:actions|background:::|sky:::|road:::"'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet datumaro==1.13.12
export PYTHONWARNINGS=ignore

found=$("$python" - "$folder/out" 2>"$folder/log" <<'END'
import pathlib
import sys

import numpy as np
from datumaro.components.annotation import Mask
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
from PIL import Image as Picture

out = pathlib.Path(sys.argv[1])
ids = np.zeros((4, 4), int)
ids[2:] = 1
masks = [Mask(ids == number, label=number, id=number + 1, group=number + 1) for number in (0, 1)]
picture = Image.from_numpy(np.full((4, 4, 3), 90, np.uint8))
item = DatasetItem(id="a", subset="train", media=picture, annotations=masks)
dataset = Dataset.from_iterable([item], categories=["sky", "road"], media_type=Image)
for name in ("cityscapes", "kitti_segmentation", "voc_segmentation"):
    dataset.export(str(out / name), name, save_media=True)

def read(path):
    return np.asarray(Picture.open(out / path))

def lines(path):
    return '"' + "|".join((out / path).read_text().splitlines()) + '"'

def told(what, numbers, colors):
    color = tuple(int(value) for value in colors[0, 0])
    return f"{what}: {numbers.dtype}, sky {numbers[0, 0]}, road {numbers[3, 0]}, the colour of sky {color}"

city, kitti = "cityscapes/gtFine/train/a_gtFine_", "kitti_segmentation/train/"
print(told("cityscapes, labelIds", read(city + "labelIds.png"), read(city + "color.png")))
print("cityscapes, label_colors.txt:", lines("cityscapes/label_colors.txt"))
print(told("kitti, semantic", read(kitti + "semantic/a.png"), read(kitti + "semantic_rgb/a.png")))
print("voc, labelmap.txt:", lines("voc_segmentation/labelmap.txt"))
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
