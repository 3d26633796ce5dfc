"""Draws a label map to try a model with, and beside it the same in colours: a street, or a person's skeleton.

    python experiments/draw_label_map.py --preset=synthetic_street --seed=7 --output=label.png
    python experiments/draw_label_map.py --spec=cityscapes --height=128 --width=256 --output=label.png

--preset draws for a trained model that comes with the project, at its size and in its classes. Nothing is copied from a
data set: streets are rendered, persons drawn.
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import run

OUTPUT = flags.DEFINE_string(
    "output", None, "PNG of class ids; <output>_colors.png beside it is for looking at", required=True
)
SEED = flags.DEFINE_integer("seed", 0, "seed of the scene", lower_bound=0)
PRESET = flags.DEFINE_string("preset", None, "model that comes with the project, instead of --spec, --height, --width")
SPEC = flags.DEFINE_string(
    "spec", None, "spec whose classes to draw in, one that knows rendered streets or has a skeleton; synthetic_street"
)
HEIGHT = flags.DEFINE_integer("height", None, "height in pixels; default: 64", lower_bound=32)
WIDTH = flags.DEFINE_integer("width", None, "width in pixels; default: 128", lower_bound=32)


def main():
    if PRESET.value and (SPEC.value or HEIGHT.value or WIDTH.value):
        raise ValueError("--preset says spec and size: leave --spec, --height and --width out")
    from seg2vid_tf.annotations.label_map import colorize, write_label_map
    from seg2vid_tf.annotations.spec import AnnotationSpec, load_spec
    from seg2vid_tf.data.drawn_label_map import drawn_label_map
    from seg2vid_tf.media import save_png

    if PRESET.value:
        from seg2vid_tf.export_folder import newest_version, preset_folder, read_description

        description = read_description(newest_version(preset_folder(PRESET.value)))
        spec, size = AnnotationSpec.from_json(description["spec"]), tuple(description["size"])
    else:
        spec, size = load_spec(SPEC.value or "synthetic_street"), (HEIGHT.value or 64, WIDTH.value or 128)
    label_map = drawn_label_map(spec, size, SEED.value)
    output = pathlib.Path(OUTPUT.value)
    write_label_map(output, label_map)
    colors = output.with_name(f"{output.stem}_colors.png")
    save_png(colorize(label_map, spec), colors)
    height, width = label_map.shape
    print(
        f"{output}: the label map to give to generate.py, {height} x {width} pixels (height x width), spec {spec.name}"
    )
    print(f"{colors}: the same in colours, to look at (read with --colors=classes alone)")


if __name__ == "__main__":
    run(main)
