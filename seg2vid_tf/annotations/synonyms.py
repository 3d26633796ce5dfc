"""What other data sets and tools call the classes of a street, and what they call nothing.

Names of one row mean the same, the first is the usual one; case, spaces and signs do not count (class_names.py).
"""

SYNONYMS = (
    ("road", "street", "roadway", "drivable area", "driveable surface", "rd normal street", "drivable surface"),
    ("sidewalk", "pavement", "footpath", "footway", "walkway", "pedestrian area", "curb cut"),
    ("building", "house", "edifice", "skyscraper"),
    ("wall",),
    ("fence", "fencing", "railing", "barrier"),
    ("pole", "column pole", "utility pole", "street light", "post"),
    ("traffic light", "trafficlight", "traffic signal", "signal light"),
    ("traffic sign", "sign", "sign symbol", "traffic sign front", "signboard", "road sign", "misc text"),
    ("vegetation", "tree", "plant", "bush", "nature object", "vegetation misc", "nature"),
    ("terrain", "grass", "earth", "ground", "soil", "lawn", "sand"),
    ("sky",),
    ("person", "pedestrian", "human", "people", "man", "woman", "child"),
    ("rider", "bicyclist", "cyclist", "motorcyclist", "other rider"),
    ("car", "automobile", "vehicle", "suv pickup truck", "van", "auto"),
    ("truck", "lorry", "truck bus"),
    ("bus", "coach"),
    ("train", "tram", "on rails", "rail vehicle"),
    ("motorcycle", "motorbike", "motorcycle scooter", "minibike"),
    ("bicycle", "bike", "cycle"),
)
# Names that are a part of another class where the spec has none for them.
PARTS = (
    (
        *("lane marking", "lane mkgs driv", "lane marking general", "lane marking crosswalk", "crosswalk plain"),
        *("road marking", "lane mkgs non driv", "road shoulder", "bike lane", "parking block"),
        "road",
    ),
    ("archway", "bridge", "building"),
    ("guard rail", "fence"),
    ("polegroup", "pole group", "pole"),
)
VOID = (
    *("unlabeled", "unlabelled", "ignore", "ignored", "void", "background", "none", "unknown", "other", "dont care"),
    *("ego vehicle", "ego car", "my car", "rectification border", "out of roi", "static", "dynamic"),
    *("blurred area", "rain dirt"),
)
# What a name may end in besides: "cargroup" is a group of cars, COCO's "sky-other-merged" is sky.
ENDINGS = ("group", "othermerged", "merged", "other", "stuff")
