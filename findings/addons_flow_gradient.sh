#!/usr/bin/env bash
# TensorFlow Addons: the flow's gradient through dense_image_warp is zero wherever the flow is an integer.
#
# A network that predicts flow and starts at zero never learns through it: no error, no warning, the loss stays where it
# is. The fraction of a pixel is clipped to [0, 1], and at 0 the clip lets no gradient through. In the ramp below the true
# derivative of a pixel by dx is -1 everywhere.
#
# Seen 2026-11-29 with TensorFlow 2.15.1 and TensorFlow Addons 0.23.0, the last release. What the project does about it:
# seg2vid_tf/ops/warp.py.
set -euo pipefail

seen='derivative of an inner pixel by dx, flow 0: 0.0
flow 1: 0.0
flow 0.25: -1.0'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet tensorflow==2.15.1 keras==2.15.0 tensorflow-addons==0.23.0 numpy==1.26.4
export TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore

found=$("$python" - 2>"$folder/log" <<'END'
import tensorflow as tf
import tensorflow_addons as tfa

ramp = tf.broadcast_to(tf.range(7.0)[None, None, :, None], [1, 7, 7, 1])
found = []
for value in (0.0, 1.0, 0.25):
    flow = tf.fill([1, 7, 7, 2], value)
    with tf.GradientTape() as tape:
        tape.watch(flow)
        warped = tfa.image.dense_image_warp(ramp, flow)
    found.append(tape.gradient(warped, flow)[0, 3, 3, 1].numpy())

WHAT = [
    "derivative of an inner pixel by dx, flow 0",
    "flow 1",
    "flow 0.25",
]
found = [str(float(value) + 0.0) for value in found]
for what, value in zip(WHAT, found, strict=True):
    print(f"{what}: {value}")
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
