#!/usr/bin/env bash
# Keras 2.15: keras.layers.SpectralNormalization cannot be trained inside a tf.function.
#
# Called with training=True it works eagerly and raises inside a function, which every training step is: the layer asks
# with Python's ``if`` whether a tensor holds true, and AutoGraph, which would translate that, leaves Keras' own code
# alone. Mended in Keras 3.
#
# Seen 2026-11-29 with TensorFlow 2.15.1 and Keras 2.15.0. What the project does about it: a layer of its own,
# seg2vid_tf/models/start_frame/spectral_conv.py.
set -euo pipefail

seen='eagerly: works
in a tf.function: OperatorNotAllowedInGraphError'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet tensorflow==2.15.1 keras==2.15.0 tensorflow-addons==0.23.0 numpy==1.26.4
export TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore

found=$("$python" - 2>"$folder/log" <<'END'
import keras
import tensorflow as tf

layer = keras.layers.SpectralNormalization(keras.layers.Dense(3))

def train(x):
    return layer(x, training=True)

found = []
for call in (train, tf.function(train)):
    try:
        call(tf.ones([2, 4]))
        found.append("works")
    except tf.errors.OperatorNotAllowedInGraphError as error:
        found.append(type(error).__name__)

WHAT = [
    "eagerly",
    "in a tf.function",
]
for what, value in zip(WHAT, found, strict=True):
    print(f"{what}: {value}")
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
