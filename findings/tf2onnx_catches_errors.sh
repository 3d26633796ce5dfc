#!/usr/bin/env bash
# tf2onnx: TF2ONNX_CATCH_ERRORS says whether the passes that simplify a graph may fail unseen; TRUE turns that off, too.
#
# By default a pass that raises is left out with a line in the log, and for that the whole graph is copied before each
# pass, in Python, which of large graphs takes longer than the passes. Where the variable is set, whatever it is set to,
# nothing is copied and what a pass raises ends the conversion: compared with "TRUE" is the variable's name.
#
# Seen 2026-11-30 with tf2onnx 1.17.0, TensorFlow 2.15.1. What the project does about it: seg2vid_tf/serving/convert.py.
set -euo pipefail

seen='not set: the graph is copied before the passes, and a pass that fails is left out
FALSE: nothing is copied, and a pass that fails ends the conversion
TRUE: nothing is copied, and a pass that fails ends the conversion'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
python=$folder/venv/bin/python
"$python" -m pip install --quiet tensorflow==2.15.1 tf2onnx==1.17.0 onnx==1.18.0
export TF_CPP_MIN_LOG_LEVEL=3 PYTHONWARNINGS=ignore

found=$("$python" - 2>"$folder/log" <<'END'
import copy
import os

import tensorflow as tf
import tf2onnx
from tf2onnx.graph import Graph
from tf2onnx.optimizer.identity_optimizer import IdentityOptimizer

copied = []
deepcopy = copy.deepcopy


def counting(value, *arguments):
    copied.append(isinstance(value, Graph))
    return deepcopy(value, *arguments)


def failing(self, graph):
    raise RuntimeError("this pass fails")


def convert():
    tf2onnx.convert.from_function(tf.function(lambda x: x * 2.0 + 1.0), [tf.TensorSpec([3])], opset=18)


usual = IdentityOptimizer._optimize
for value in (None, "FALSE", "TRUE"):
    os.environ.pop("TF2ONNX_CATCH_ERRORS", None)
    if value:
        os.environ["TF2ONNX_CATCH_ERRORS"] = value
    copied.clear()
    copy.deepcopy = counting
    convert()
    copy.deepcopy = deepcopy
    IdentityOptimizer._optimize = failing
    try:
        convert()
        end = "is left out"
    except RuntimeError:
        end = "ends the conversion"
    IdentityOptimizer._optimize = usual
    copies = "the graph is copied before the passes" if any(copied) else "nothing is copied"
    print(f"{value or 'not set'}: {copies}, and a pass that fails {end}")
END
) || { echo "$0: it could not be shown" >&2; tail -n 20 "$folder/log" >&2; exit 1; }
echo "$found"
[ "$found" = "$seen" ] || { printf '%s: the behaviour is another; seen was\n%s\n' "$0" "$seen" >&2; exit 1; }
