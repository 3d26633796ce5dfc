"""The colours that data sets paint their classes in, where no list lies beside the maps."""

from seg2vid_tf.annotations.palette import voc_colors
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.label_formats.class_lists import Colors

# Source: mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid, label_colors.txt.
_CAMVID = (
    "64 128 64 Animal,192 0 128 Archway,0 128 192 Bicyclist,0 128 64 Bridge,128 0 0 Building,64 0 128 Car,"
    "64 0 192 CartLuggagePram,192 128 64 Child,192 192 128 Column_Pole,64 64 128 Fence,128 0 192 LaneMkgsDriv,"
    "192 0 64 LaneMkgsNonDriv,128 128 64 Misc_Text,192 0 192 MotorcycleScooter,128 64 64 OtherMoving,"
    "64 192 128 ParkingBlock,64 64 0 Pedestrian,128 64 128 Road,128 128 192 RoadShoulder,0 0 192 Sidewalk,"
    "192 128 128 SignSymbol,128 128 128 Sky,64 128 192 SUVPickupTruck,0 0 64 TrafficCone,0 64 64 TrafficLight,"
    "192 64 128 Train,128 128 0 Tree,192 128 192 Truck_Bus,64 0 64 Tunnel,192 192 0 VegetationMisc,0 0 0 Void,"
    "64 192 0 Wall"
)
# Source: github.com/commaai/comma10k.
_COMMA10K = (
    "64 32 32 road,255 0 0 lane markings,128 128 96 undrivable,0 255 102 movable,204 0 255 my car,"
    "0 204 255 movable in my car"
)
# Source: the VOC development kit.
_VOC = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)


def _from_text(text):
    rows = (row.split(" ", 3) for row in text.split(","))
    return {(int(red), int(green), int(blue)): name for red, green, blue, name in rows}


def official_colors(name: str) -> Colors:
    """The colours of "camvid", "comma10k", "cityscapes" (BDD100K's, too) or "voc"."""
    if name == "cityscapes":
        spec = load_spec(name)
        return dict.fromkeys(spec.color_sets["official"], "unlabeled") | {c.color: c.name for c in spec.classes}
    if name == "voc":
        colors = [tuple(map(int, color)) for color in voc_colors()]
        return dict(zip(colors, _VOC, strict=False)) | {colors[255]: "void"}
    return _from_text({"camvid": _CAMVID, "comma10k": _COMMA10K}[name])
