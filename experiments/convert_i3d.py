"""Writes I3D's weights as a SavedModel that evaluate.py measures clips with.

    python experiments/convert_i3d.py --weights=i3d_kinetics400_rgb.npz --output=i3d
    python experiments/evaluate.py --features=fvd16=i3d ...

The .npz file holds the arrays of the network's Flax form, float16 or float32. FVD's own module is this network with the
same weights; a distance measured with it is named after preparation and folder, fvd16_i3d.
"""

import pathlib

from absl import flags

from seg2vid_tf.flags import run

WEIGHTS = flags.DEFINE_string("weights", None, "the .npz file", required=True)
OUTPUT = flags.DEFINE_string("output", None, "the SavedModel's folder; it must not exist", required=True)


def main():
    from seg2vid_tf.files import check_new, replacing_folder

    folder = pathlib.Path(OUTPUT.value)
    check_new(folder)
    import tensorflow as tf  # --help needs none

    from seg2vid_tf.ops.i3d import I3D, SIZE

    network = I3D(WEIGHTS.value)
    clips = tf.TensorSpec([None, None, *SIZE, 3], tf.float32, "clips")
    features = tf.function(lambda clips: {"features": network(clips)}, [clips]).get_concrete_function()
    with replacing_folder(folder) as temporary:
        tf.saved_model.save(tf.Module(), str(temporary), signatures=features)
    print(f"{folder}: clips float32 [N,T,224,224,3] in [-1,1] -> features [N,400]")


if __name__ == "__main__":
    run(main)
