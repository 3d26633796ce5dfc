"""Maps of official numbers, grey PNGs of 8 or 16 bits: Cityscapes, KITTI, BDD100K and ADE20K.

    cityscapes   gtFine/.../a_gtFine_labelIds.png      its label ids; a_gtFine_labelTrainIds.png its trainIds
    bdd100k      labels/a.png, a_train_id.png          trainIds
    kitti        training/semantic/000000_10.png       Cityscapes' label ids, in 8 or 16 bits
    ade20k       annotations/training/a.png            1 to 150, 0 = nothing

Datumaro numbers classes in an order of its own (findings/datumaro_numbers_and_colors.sh): where its label_colors.txt
lies beside, the painted maps are read.
"""

import functools
import pathlib
import re

from seg2vid_tf.annotations.png_file import read_ids_png
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.folder_files import files_below
from seg2vid_tf.data.label_formats.labelled import LabelledPicture, Labels
from seg2vid_tf.data.label_formats.picture_finder import PictureFinder

_ENDING = re.compile(r"_gt(?:Fine|Coarse)_label(?:Train)?Ids|_train_id")
# Source: github.com/mcordts/cityscapesScripts, labels.py; ids without a trainId.
_OTHER_LABEL_IDS = {
    0: "unlabeled", 1: "ego vehicle", 2: "rectification border", 3: "out of roi", 4: "static", 5: "dynamic",
    6: "ground", 9: "parking", 10: "rail track", 14: "guard rail", 15: "bridge", 16: "tunnel", 18: "polegroup",
    29: "caravan", 30: "trailer",
}  # fmt: skip
# Source: github.com/CSAILVision/sceneparsing, objectInfo150.csv; the first name of each.
_ADE20K = (
    "wall,building,sky,floor,tree,ceiling,road,bed,windowpane,grass,cabinet,sidewalk,person,earth,door,table,mountain,"
    "plant,curtain,chair,car,water,painting,sofa,shelf,house,sea,mirror,rug,field,armchair,seat,fence,desk,rock,wardrobe,"
    "lamp,bathtub,railing,cushion,base,box,column,signboard,chest,counter,sand,sink,skyscraper,fireplace,refrigerator,"
    "grandstand,path,stairs,runway,case,pool table,pillow,screen door,stairway,river,bridge,bookcase,blind,coffee "
    "table,"
    "toilet,flower,book,hill,bench,countertop,stove,palm,kitchen island,computer,swivel chair,boat,bar,arcade machine,"
    "hovel,bus,towel,light,truck,tower,chandelier,awning,streetlight,booth,television,airplane,dirt track,apparel,pole,"
    "land,bannister,escalator,ottoman,bottle,buffet,poster,stage,van,ship,fountain,conveyer "
    "belt,canopy,washer,plaything,"
    "swimming pool,stool,barrel,basket,waterfall,tent,bag,minibike,cradle,oven,ball,food,step,tank,trade "
    "name,microwave,"
    "pot,animal,bicycle,lake,dishwasher,screen,blanket,sculpture,hood,sconce,vase,traffic light,tray,ashcan,fan,pier,"
    "crt screen,plate,monitor,bulletin board,shower,radiator,glass,clock,flag"
)


@functools.cache
def number_names(numbers: str) -> dict[int, str]:
    """{number: name} of "labelIds", "trainIds" or "ade20k"."""
    if numbers == "ade20k":
        return {0: ""} | dict(enumerate(_ADE20K.split(","), 1))
    spec = load_spec("cityscapes")
    named = {theirs: spec.classes[ours].name for theirs, ours in spec.label_sets[numbers].items() if theirs >= 0}
    return named | {255: "unlabeled"} | (_OTHER_LABEL_IDS if numbers == "labelIds" else {})


def read(root: pathlib.Path, images: pathlib.Path | None, numbers: str, pattern: str) -> list[LabelledPicture]:
    """The maps of a folder whose names fit a pattern.

    Args:
      root, images: as of every reader.
      numbers: what the numbers are, as of number_names.
      pattern: glob of the files.
    """
    files = [root] if root.is_file() else files_below(root, pattern)
    finder, found = PictureFinder(images, root if root.is_dir() else root.parent), []
    for file in files:
        stem = _ENDING.sub("", file.stem)
        names = (f"{stem}.jpg", f"{stem}_leftImg8bit.png", f"{stem}_leftImg8bit.jpg", f"{stem}.png")
        image = next((path for name in names if (path := finder.find(name, file)) and path != file), None)
        sequence = file.parent.name if len(file.relative_to(root.parent if root.is_file() else root).parts) > 2 else ""
        found.append(LabelledPicture(stem, sequence, image, file, functools.partial(_labels, file, numbers)))
    return found


def _labels(file, numbers) -> Labels:
    ids = read_ids_png(file, depths=(8, 16), fix="maps of official numbers are grey PNGs of 8 or 16 bits")
    return Labels(ids, number_names(numbers))
