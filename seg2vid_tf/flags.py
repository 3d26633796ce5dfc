"""absl flags from config dataclasses, and the one way a program starts.

Every field of a config becomes a flag of its own name whose default is the preset's value; ``config_from_flags`` puts
the flags that were given on top of the preset.
"""

import dataclasses
import dis
import logging
import os
import re
import sys
import warnings

import absl.logging
from absl import app, flags

from seg2vid_tf.annotations.doubts import MapWarning
from seg2vid_tf.config import RunWarning, preset
from seg2vid_tf.files import NO_ROOM

# Switches TensorFlow's oneDNN kernels on or off before it is loaded, which changes how floats are summed.
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

# Without this --help, which shows the main program's own flags, would leave out those that are defined here.
flags.disclaim_key_flags()


def define_config_flags(presets: dict) -> None:
    """Defines --model_size and one flag per field of the presets' config.

    --preset, its name of before, which elsewhere names a model that comes with the project, goes on working.

    Args:
      presets: {name: config}, all of one class; the first one is the default.
    """
    flags.DEFINE_enum(
        "model_size",
        next(iter(presets)),
        list(presets),
        "sizes and settings to start from; every other flag changes one of them",
    )
    flags.DEFINE_enum("preset", None, list(presets), "old name of --model_size")
    for part in dataclasses.fields(next(iter(presets.values()))):
        for field in dataclasses.fields(part.type):
            defaults = {name: getattr(getattr(config, part.name), field.name) for name, config in presets.items()}
            _define(field, part.name, defaults)


def _define(field: dataclasses.Field, part: str, defaults: dict) -> None:
    subject = "weight: " if part == "losses" and field.name.endswith("_weight") else ""
    # Where the presets are of one mind their names would only be in the way.
    shown = ", ".join(f"{name}: {_shown(value)}" for name, value in defaults.items())
    shown = (
        f"default {shown}" if len(set(defaults.values())) > 1 else f"default: {_shown(next(iter(defaults.values())))}"
    )
    help_text = f"{subject}{field.metadata['help']} ({shown})"
    if field.type is bool:
        flags.DEFINE_bool(field.name, None, help_text)
    elif field.type is int:
        flags.DEFINE_integer(field.name, None, help_text)
    elif field.type is float:
        flags.DEFINE_float(field.name, None, help_text)
    elif field.type is str:
        flags.DEFINE_string(field.name, None, help_text)
    else:
        kind = "names" if field.type == tuple[str, ...] else "integers"
        flags.DEFINE_list(field.name, None, f"{help_text}; comma-separated {kind}")


def _shown(value) -> str:
    """A default as one would type it."""
    return (",".join(map(str, value)) if isinstance(value, tuple) else str(value)) or "none"


def config_from_flags(presets: dict, values: flags.FlagValues = flags.FLAGS):
    """The preset named by --model_size with every given flag on top.

    Raises:
      ValueError: unknown preset, a list flag that does not hold positive integers, or two names of one flag.
    """
    name = values.model_size
    if values.preset is not None:
        if values["model_size"].present:
            raise ValueError("--preset is the old name of --model_size: give one of them")
        warnings.warn(
            f"--preset is called --model_size now: give --model_size={values.preset}", RunWarning, stacklevel=1
        )
        name = values.preset
    config = preset(presets, name)
    parts = {}
    for part in dataclasses.fields(config):
        given = {}
        for field in dataclasses.fields(part.type):
            value = values[field.name].value
            if value is None:
                continue
            if field.type == tuple[str, ...]:
                value = tuple(value)
            given[field.name] = _integers(field.name, value) if isinstance(value, list) else value
        parts[part.name] = dataclasses.replace(getattr(config, part.name), **given)
    return type(config)(**parts)


def _integers(name: str, values: list[str]) -> tuple[int, ...]:
    try:
        integers = tuple(int(v) for v in values)
    except ValueError:
        integers = ()
    if not integers or min(integers) < 1:
        raise ValueError(f"--{name} takes comma-separated positive integers, received {','.join(values)!r}")
    return integers


def define_wait() -> flags.FlagHolder:
    """Defines --wait, of programs that ask a server."""
    return flags.DEFINE_float(
        "wait",
        300.0,
        "how long a server that is not there yet, or still loads, is waited for, seconds",
        lower_bound=0.0,
    )


def define_beam_flags() -> flags.FlagHolder:
    """Defines --beam_flags, of programs that have Apache Beam share the work out."""
    return flags.DEFINE_multi_string(
        "beam_flags", [], "a flag of Beam's own, once for each: --beam_flags=--flink_master=host:8081"
    )


_formatwarning = warnings.formatwarning


def _formatted(message, category, *where, **more):
    """What is said to a program's user has no line of code."""
    if issubclass(category, (MapWarning, RunWarning)):
        return f"note: {message}\n"
    # Python's own categories (a deprecation, an overflow) are for developers.
    return f"warning: {message}\n" if category is UserWarning else _formatwarning(message, category, *where, **more)


class _LogLine(logging.Formatter):
    """A log's line as "warning: ...": absl's own form, W1130 08:31:53.123456 and a file's name, looks like breakage."""

    def formatMessage(self, record):
        return f"{record.levelname.lower()}: {super().formatMessage(record)}"


class _TimedLogLine(logging.Formatter):
    """The same of a server, of whose lines one wants to know the time."""

    def formatMessage(self, record):
        return f"{self.formatTime(record)} {record.levelname.lower()}: {super().formatMessage(record)}"


# Of whose errors the text is for a program's user: ours, and those of what reads a user's files and addresses.
_OURS, _READERS = ("seg2vid_tf", "__main__"), ("PIL", "codecs", "json", "urllib", "zipfile")


def is_input_error(error: BaseException) -> bool:
    """Whether an error is about what a program was given, and not a fault in the program itself.

    It is where the machine lacks something (a file, an optional package), and where somebody says so in words: a
    ``raise`` in our code, or a library that reads files or addresses. What NumPy, TensorFlow or Python itself has to
    say of our code (an array's shape, a number that is none) is a fault of ours; that a disk is full is not.
    """
    if isinstance(error, OSError) or _says_no_room(error):
        return True
    if not isinstance(error, (ValueError, ImportError)) or error.__traceback__ is None:
        return False
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("seg2vid_tf"):
        return True
    innermost = error.__traceback__
    while innermost.tb_next is not None:
        innermost = innermost.tb_next
    frame = innermost.tb_frame
    package = frame.f_globals.get("__name__", "").partition(".")[0]
    raised = frame.f_code.co_code[innermost.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return package in _READERS or (package in _OURS and raised)


def _says_no_room(error):
    """Whether TensorFlow, which has no OSError, says that a file cannot grow."""
    is_tensorflows = type(error).__module__.startswith("tensorflow.")
    return is_tensorflows and any(os.strerror(number) in str(error) for number in NO_ROOM)


def _told(error):
    """An error as a program's user is told it; TensorFlow names the file between what only its developers know."""
    if str(error) == "No module named 'tensorflow'":
        return "TensorFlow is not installed here: install it (BUILD.md), or run a converted model (--onnx, --openvino)"
    if not _says_no_room(error):
        return str(error)
    first = re.sub(r"\{\{.*?\}\} ?|\s*\[Op:.*", "", str(error).splitlines()[0])
    return f"{first}; make room and start again, what was finished is kept"


def parse(argv: list[str], values: flags.FlagValues = flags.FLAGS) -> list[str]:
    """Reads a command line, the program's name first; one that is wrong ends the program with one line that says why.

    Returns:
      The program's name and what was no flag.
    """
    try:
        return values(argv)
    except flags.Error as error:
        missing = re.search(r"Flag --(\w+) must have a value other than None", str(error))
        if missing:
            sys.exit(f"error: --{missing[1]} must be given: {values[missing[1]].help}. --help shows all flags")
        sys.exit(f"error: {' '.join(str(error).split())}. --help shows all flags")


def one_given(*among: flags.FlagHolder) -> flags.FlagHolder:
    """The one of several flags that was given.

    Raises:
      ValueError: none was, or more than one.
    """
    given = [flag for flag in among if flag.value]
    if len(given) != 1:
        *names, last = (f"--{flag.name}" for flag in among)
        raise ValueError(
            f"give one of {', '.join(names)} and {last}, received "
            f"{' and '.join(f'--{flag.name}' for flag in given) or 'none'}"
        )
    return given[0]


def run(main, timed_log: bool = False) -> None:
    """Runs an absl program; an error of the caller's making ends it with one clear line and exit status 1.

    Any other keeps its traceback.

    Args:
      main: takes no arguments and reads absl flags.
      timed_log: whether lines of the log begin with the time, as a server's do.
    """

    def guarded(argv):
        if len(argv) > 1:
            sys.exit(f"error: unexpected argument {argv[1]!r}: every input is a flag, see --help")
        try:
            main()
        except Exception as error:
            if not is_input_error(error):
                raise
            sys.exit(f"error: {_told(error)}")
        except KeyboardInterrupt:
            sys.exit("stopped; what was finished is kept")

    warnings.formatwarning = _formatted
    # TensorFlow's notes on its own build and on what it deprecates would bury the progress bar; what goes wrong is
    # raised.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow leaves oneDNN off on CPUs without AVX512_VNNI, where it is faster all the same (BUILD.md).
    os.environ.setdefault(ONEDNN, "1")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    absl.logging.set_verbosity(absl.logging.WARNING)
    absl.logging.get_absl_handler().setFormatter(_TimedLogLine() if timed_log else _LogLine())
    app.run(guarded, flags_parser=parse)
