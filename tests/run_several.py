"""Runs several command lines of programs in one process, which imports TensorFlow once.

    python run_several.py < COMMAND_LINES_JSON

Reads a list of command lines, each a list that starts with the program's file; the last line it prints is how each of
them ended, as JSON: null, or what it gave to sys.exit, or the error that it let through.
"""

import json
import runpy
import sys

from absl import flags


def main():
    endings = []
    for arguments in json.load(sys.stdin):
        sys.argv = arguments
        try:
            runpy.run_path(arguments[0], run_name="__main__")
        except SystemExit as end:
            endings.append(end.code)
        except BaseException as error:
            endings.append(f"uncaught {error!r}")
        flags.FLAGS.remove_flag_values([flag.name for flag in flags.FLAGS.get_flags_for_module(sys.argv[0])])
    print(json.dumps(endings))


if __name__ == "__main__":
    main()
