"""Paints start frames with the trained stage 1 of a run or an export: one label map or a folder of them, several seeds.

    python experiments/sample_start_frames.py --preset=cityscapes --label_map=label.png --output=out --num_seeds=4

Writes <name>_seed<seed>.png for every label map and seed, and, where the maps are of one size, sheet.png:
annotation | seeds. With --reference every seed takes the style of that picture and keeps its own noise;
--restyle=car,building gives those classes the style of another seed.
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import one_given, run

RUN_DIR = flags.DEFINE_string("run_dir", None, "folder of a trained run (it holds start_frame/)")
SAVED_MODEL = flags.DEFINE_string("saved_model", None, "model folder (newest version) or version folder")
PRESET = flags.DEFINE_string("preset", None, "model that comes with the project")
LABEL_MAP = flags.DEFINE_string("label_map", None, "PNG of class ids, or a folder of them", required=True)
OUTPUT = flags.DEFINE_string("output", None, "folder for the pictures", required=True)
NUM_SEEDS = flags.DEFINE_integer("num_seeds", 3, "pictures of each label map", lower_bound=1)
SEED = flags.DEFINE_integer("seed", 0, "seed of the first picture; each further one takes the next")
REFERENCE = flags.DEFINE_string("reference", None, "picture whose style is taken")
RESTYLE = flags.DEFINE_list("restyle", [], "classes that take the style of --restyle_seed, by name")
RESTYLE_SEED = flags.DEFINE_integer("restyle_seed", 1000, "seed of the style of the --restyle classes")
INSTANCE_MAP = flags.DEFINE_string("instance_map", None, "8- or 16-bit PNG of instance numbers, 0 = none (or a folder)")
LABEL_IDS = flags.DEFINE_string("label_ids", None, "label set of the files where it is not the spec's own, as labelIds")
RESIZE = flags.DEFINE_bool("resize", False, "bring maps of another size to the one trained at, by nearest")
PALETTE = flags.DEFINE_bool("palette", False, "read a palette PNG's indices as class ids")

COLORS = flags.DEFINE_string(
    "colors", None, "classes, grey (each channel is the id) or a colour set of the spec: the maps are painted so"
)


def main():
    from seg2vid_tf.export_folder import preset_folder

    files = label_map_files(pathlib.Path(LABEL_MAP.value))
    given = one_given(RUN_DIR, SAVED_MODEL, PRESET)
    path = preset_folder(PRESET.value) if given is PRESET else given.value

    import numpy as np
    import tensorflow as tf  # TensorFlow loads here: a mistake above is told at once.

    from seg2vid_tf.annotations.label_map import colorize
    from seg2vid_tf.media import contact_sheet, save_png
    from seg2vid_tf.models.restore import load_start_frame_model
    from seg2vid_tf.models.start_frame.restyle import restyled
    from seg2vid_tf.ops.image import to_uint8

    model, config = load_start_frame_model(path)
    trained_at = config.model.height, config.model.width
    other_classes = model.spec.class_ids(RESTYLE.value, "--restyle")
    seeds = tf.range(SEED.value, SEED.value + NUM_SEEDS.value, dtype=tf.int64)
    style = model.draw_style(seeds)
    if REFERENCE.value:
        reference = model.encode_style(read_picture(REFERENCE.value, trained_at)[None])
        style = tf.repeat(reference, len(seeds), axis=0)
    maps = []  # all are read before one is painted
    for file in files:
        label_map = read_label_map(file, model, trained_at)
        maps.append((file, label_map, instance_map_of(file, label_map.shape)))
    output, rows = pathlib.Path(OUTPUT.value), []
    for file, label_map, instance_map in maps:
        places = restyled(model, style, label_map, other_classes, RESTYLE_SEED.value) if other_classes else style
        repeated = np.repeat(label_map[None], len(seeds), axis=0)
        if instance_map is not None:
            instance_map = tf.repeat(instance_map[None], len(seeds), axis=0)
        frames = to_uint8(model.paint(repeated, places, seeds, instance_map)).numpy()
        for seed, frame in zip(seeds.numpy(), frames, strict=True):
            save_png(frame, output / f"{file.stem}_seed{seed}.png")
        rows.append([colorize(label_map, model.spec), *frames])
    if len({row[0].shape for row in rows}) == 1:
        save_png(contact_sheet(rows), output / "sheet.png")
    else:
        print("the label maps differ in size: no sheet.png")
        (output / "sheet.png").unlink(missing_ok=True)  # an earlier call's, of other pictures
    print(f"label maps: {len(files)}, each with seeds {SEED.value} to {SEED.value + len(seeds) - 1}: {output}")


def label_map_files(path):
    """The PNG itself, or those of the folder, by name."""
    # What file managers leave begins with a dot.
    files = sorted(path.glob("[!.]*.png")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"--label_map={path}: no .png file in this folder")
    return files


def read_label_map(file, model, trained_at):
    """uint8 [H,W], of a size that the generator can paint."""
    from seg2vid_tf.annotations.doubts import read_doubted_map, warn_of_doubts

    told = {"label_ids": LABEL_IDS.value, "palette": PALETTE.value, "colors": COLORS.value}
    label_map = read_doubted_map(file, model.spec, trained_at if RESIZE.value else None, **told)
    warn_of_doubts(label_map, model.spec, str(file))
    stride = model.generator.stride
    if label_map.shape[0] % stride or label_map.shape[1] % stride:
        raise ValueError(
            f"{file} is {label_map.shape[0]} x {label_map.shape[1]} (height x width), both must be divisible by "
            f"{stride}: give --resize to bring it to the model's {trained_at[0]} x {trained_at[1]}"
        )
    return label_map


def read_picture(path, size):
    """A picture, resized by area, as float32 [H,W,3] in [-1,1]."""
    from seg2vid_tf.data.pictures import read_frame, resize_frame
    from seg2vid_tf.ops.image import to_float

    return to_float(resize_frame(read_frame(pathlib.Path(path)), size))


def instance_map_of(label_map_file, size):
    """int32 [H,W] of --instance_map for that label map, or None without the flag."""
    from seg2vid_tf.data.pictures import read_instance_map

    if not INSTANCE_MAP.value:
        return None
    path = pathlib.Path(INSTANCE_MAP.value)
    path = path / label_map_file.name if path.is_dir() else path
    return read_instance_map(path, size, RESIZE.value).astype("int32")


if __name__ == "__main__":
    run(main)
