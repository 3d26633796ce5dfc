"""Runs the rest of the command line, a program and its flags, in a process that cannot import TensorFlow or Keras."""

import pathlib
import runpy
import sys

sys.modules.update(dict.fromkeys(["tensorflow", "keras", "tensorflow_probability"]))
sys.argv = sys.argv[1:]
sys.path[0] = str(pathlib.Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")
