"""Draws one label map of synthetic_street, and beside it the same in colours.

python experiments/draw_label_map.py --seed=424242 --output=label.png
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import run

OUTPUT = flags.DEFINE_string(
    "output", None, "PNG of class ids; <output>_colors.png is written beside it", required=True
)
SEED = flags.DEFINE_integer("seed", 0, "seed of the scene", lower_bound=0)
HEIGHT = flags.DEFINE_integer("height", 64, "height in pixels", lower_bound=32)
WIDTH = flags.DEFINE_integer("width", 128, "width in pixels", lower_bound=32)


def main():
    from seg2vid_tf.annotations.label_map import colorize, write_label_map
    from seg2vid_tf.annotations.spec import load_spec
    from seg2vid_tf.data.synthetic_street import render_clip
    from seg2vid_tf.media import save_png

    label_map = render_clip(SEED.value, 1, HEIGHT.value, WIDTH.value, with_motion=False).label_maps[0]
    output = pathlib.Path(OUTPUT.value)
    write_label_map(output, label_map)
    save_png(colorize(label_map, load_spec("synthetic_street")), output.with_name(f"{output.stem}_colors.png"))
    print(f"{output}: {label_map.shape[0]} x {label_map.shape[1]}")


if __name__ == "__main__":
    run(main)
