#!/usr/bin/env bash
# tf2onnx: graphs that it converts without an error answer otherwise than TensorFlow, or are refused by what runs them.
#
# The floored remainder of negative integers is made a truncated one; resizing by area becomes interpolation between two
# places; a sum into the place -1, which TensorFlow leaves out, goes into the last place. An operation that it has
# nothing for, as antialiased resizing's, is logged, kept by its name, and an ONNX file is written all the same (the
# program tf2onnx.convert ends with "Successfully converted"). So: run what was converted, and compare.
#
# Seen 2026-11-30 with tf2onnx 1.17.0, TensorFlow 2.15.1. What the project does about it: seg2vid_tf/serving/convert.py.
set -euo pipefail

seen='floormod of -3 and -4 by 3: TensorFlow [0, 2], ONNX [0, -1]
a row 0 0 0 8 resized to two by area: TensorFlow [0.0, 4.0], ONNX [0.0, 0.0]
the same, antialiased: converted, and refused by ONNX Runtime
sums into places 0, -1 (none), 0: TensorFlow [4.0, 0.0], ONNX [4.0, 2.0]'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet tensorflow==2.15.1 tf2onnx==1.17.0 onnx==1.18.0 onnxruntime==1.32.0
export TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore

found=$("$python" - 2>"$folder/log" <<'END'
import numpy as np
import onnxruntime
import tensorflow as tf
import tf2onnx


def shown(what, function, x):
    answer = function(tf.constant(x)).numpy().ravel()
    graph, _ = tf2onnx.convert.from_function(tf.function(function), [tf.TensorSpec(x.shape, x.dtype)], opset=18)
    try:
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception:  # its own exceptions have no other base
        return f"{what}: converted, and refused by ONNX Runtime"
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    return f"{what}: TensorFlow {np.round(answer, 2).tolist()}, ONNX {np.round(found.ravel(), 2).tolist()}"


picture = np.float32([0.0, 0.0, 0.0, 8.0]).reshape(1, 1, 4, 1)
sums = np.float32([1.0, 2.0, 3.0])
for line in (
    shown("floormod of -3 and -4 by 3", lambda x: tf.math.floormod(x, 3), np.int32([-3, -4])),
    shown("a row 0 0 0 8 resized to two by area", lambda x: tf.image.resize(x, (1, 2), "area"), picture),
    shown("the same, antialiased", lambda x: tf.image.resize(x, (1, 2), antialias=True), picture),
    shown("sums into places 0, -1 (none), 0", lambda x: tf.math.unsorted_segment_sum(x, [0, -1, 0], 2), sums),
):
    print(line)
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
