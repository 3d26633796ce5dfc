"""Flags: one per config field, what they change, and how a program ends when its caller made a mistake."""

import dataclasses
import errno
import os
import pathlib
import re
import sys

import pytest
from absl import flags as absl_flags

from seg2vid_tf import flags
from seg2vid_tf.config import MOTION_PRESETS, START_FRAME_PRESETS, RunWarning
from seg2vid_tf.files import replacing
from tests.programs import run_python


@pytest.fixture
def parse(monkeypatch):
    """parse(presets, *arguments) -> the config of a program that got these arguments, in a flag table of its own."""

    def parsed(presets, *arguments):
        table = absl_flags.FlagValues()
        for kind in ("bool", "integer", "float", "string", "list", "enum"):
            define = getattr(absl_flags, f"DEFINE_{kind}")

            def into_table(*args, define=define, **kwargs):
                return define(*args, flag_values=table, **kwargs)

            monkeypatch.setattr(flags.flags, f"DEFINE_{kind}", into_table)
        flags.define_config_flags(presets)
        monkeypatch.undo()
        table(["program", *arguments])
        return flags.config_from_flags(presets, table), table

    return parsed


@pytest.mark.parametrize("presets", [START_FRAME_PRESETS, MOTION_PRESETS])
def test_every_field_has_a_flag_with_help_and_changes_nothing_by_default(parse, presets):
    config, table = parse(presets)
    assert config == presets["tiny"]
    for part in dataclasses.fields(config):
        for field in dataclasses.fields(part.type):
            assert field.metadata["help"] in table[field.name].help, field.name
            told = table[field.name].help
            assert "(default tiny: " in told or "(default: " in told, "what happens where the flag is left out"
            assert table[field.name].value is None, field.name


def test_the_help_of_a_flag_names_every_preset_where_they_differ(parse):
    _, table = parse(START_FRAME_PRESETS)
    assert table["model_size"].default == "tiny"
    assert table["model_size"].parser.enum_values == ["tiny", "small", "base", "large"]
    assert table["height"].help.endswith("(default tiny: 64, small: 128, base: 256, large: 512)")
    assert "small: 256,256,128,64,48,24" in table["generator_filters"].help
    assert table["style_dim"].help.endswith("(default tiny: 32, small: 32, base: 64, large: 64)")
    assert table["noise_channels"].help.endswith("(default: 4)")
    assert table["style_bands"].help.endswith("(default: 1)") and table["flip"].help.endswith("(default: True)")


FLAG_FILES = pathlib.Path(__file__).resolve().parents[1] / "experiments" / "flags"
RUNS = sorted(path.name.removesuffix("_start_frame.flags") for path in FLAG_FILES.glob("*_start_frame.flags"))


@pytest.mark.parametrize("name", RUNS)
def test_both_stages_of_a_named_run_have_one_size(parse, name):
    start_frame = parse(START_FRAME_PRESETS, f"--flagfile={FLAG_FILES}/{name}_start_frame.flags")[0].model
    file = FLAG_FILES / f"{name}_motion.flags"
    if file.exists():
        motion = parse(MOTION_PRESETS, f"--flagfile={file}")[0].model
        assert (motion.height, motion.width) == (start_frame.height, start_frame.width)
    assert start_frame.height % 16 == 0 and start_frame.width % 16 == 0


@pytest.mark.parametrize("file", sorted(FLAG_FILES.glob("*_motion.flags")), ids=lambda file: file.stem)
def test_flag_files_of_stage_2_name_flags_that_there_are(parse, file):
    config, _ = parse(MOTION_PRESETS, f"--flagfile={file}")
    assert config not in MOTION_PRESETS.values()
    assert config.model.height % 16 == 0 and config.model.width % 16 == 0


@pytest.mark.parametrize("name", START_FRAME_PRESETS)
def test_every_preset_can_be_named(parse, name):
    assert parse(START_FRAME_PRESETS, f"--model_size={name}")[0] == START_FRAME_PRESETS[name]


def test_the_old_name_of_the_size_works_and_says_the_new_one(parse):
    with pytest.warns(RunWarning, match="--preset is called --model_size now: give --model_size=small"):
        assert parse(MOTION_PRESETS, "--preset=small")[0] == MOTION_PRESETS["small"]
    with pytest.raises(ValueError, match="--preset is the old name of --model_size: give one of them"):
        parse(MOTION_PRESETS, "--preset=small", "--model_size=tiny")


def test_stage_1_without_style_encoder_and_with_the_other_discriminator(parse):
    config, _ = parse(START_FRAME_PRESETS, "--nostyle_encoder", "--discriminator=multiscale", "--accumulate=2")
    assert (config.model.style_encoder, config.model.discriminator) == (False, "multiscale")
    assert config.training.accumulate == 2
    with pytest.raises(ValueError, match="discriminator must be segmentation or multiscale, received 'patches'"):
        parse(START_FRAME_PRESETS, "--discriminator=patches")


def test_given_flags_lie_on_top_of_the_preset(parse):
    config, _ = parse(
        MOTION_PRESETS,
        "--model_size=tiny",
        "--image_filters=8,12,16",
        "--noflip",
        "--free_bits=0.5",
        "--steps=7",
        "--warp=addons",
    )
    expected = MOTION_PRESETS["tiny"]
    expected = dataclasses.replace(
        expected,
        model=dataclasses.replace(expected.model, image_filters=(8, 12, 16), warp="addons"),
        losses=dataclasses.replace(expected.losses, free_bits=0.5),
        training=dataclasses.replace(expected.training, flip=False, steps=7),
    )
    assert config == expected


@pytest.mark.parametrize("value", ["8,x", "8,1.5", "8,-1", "0", ""])
def test_a_list_that_holds_no_positive_integers_is_refused(parse, value):
    with pytest.raises(ValueError, match="--image_filters takes comma-separated positive integers, received"):
        parse(MOTION_PRESETS, f"--image_filters={value}")


@pytest.mark.parametrize(("value", "expected"), [("road,traffic light", ("road", "traffic light")), ("", ())])
def test_a_list_of_names(parse, value, expected):
    assert parse(START_FRAME_PRESETS, f"--smooth_classes={value}")[0].model.smooth_classes == expected


def test_an_unknown_preset_is_refused_at_the_command_line(parse):
    with pytest.raises(absl_flags.IllegalFlagValueError, match="tiny"):
        parse(MOTION_PRESETS, "--model_size=huge")


@pytest.fixture
def run_program(monkeypatch):
    """run_program(main, *arguments) -> what SystemExit says; absl's own parsing of the command line is left out."""

    def started(main, *arguments):
        monkeypatch.setattr(flags.app, "run", lambda guarded, flags_parser: guarded(["program", *arguments]))
        with pytest.raises(SystemExit) as exit_info:
            flags.run(main)
        return exit_info.value.code

    return started


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError, ImportError])
def test_an_error_of_the_callers_making_is_one_line(run_program, error):
    main = in_a_program(f"def main(): raise {error.__name__}('no such thing: give another')")
    # sys.exit of a text prints it and exits with status 1.
    assert run_program(main) == "error: no such thing: give another"


def test_a_full_disk_is_one_line_that_names_the_file_whoever_met_it(run_program, tmp_path):
    """TensorFlow has an error of its own for it."""
    from tensorflow import errors

    def say(message):
        def main():
            raise errors.ResourceExhaustedError(None, None, message)

        return main

    message = "{{function_node __wrapped__SaveV2}} /disk/ckpt-1.index; No space left on device [Op:SaveV2]\n\tmore"
    line = "error: /disk/ckpt-1.index; No space left on device; make room and start again, what was finished is kept"
    assert run_program(say(message)) == line
    with pytest.raises(errors.ResourceExhaustedError):  # of memory: a fault that keeps its traceback
        run_program(say("OOM when allocating tensor with shape[1000000]"))

    def write():
        with replacing(tmp_path / "a.txt"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert run_program(write) == f"error: [Errno 28] No space left on device: '{tmp_path / 'a.txt'}'"


_WARNS = """
import logging, sys, warnings
from absl import logging as absl_logging
from seg2vid_tf.flags import run

def main():
    logging.warning("%d clips are short", 3)
    absl_logging.error("no room")
    warnings.warn("an old export")

sys.argv = ["program.py"]
run(main, timed_log={timed})
"""


@pytest.mark.parametrize(("timed", "start"), [(False, ""), (True, r"[-\d]{10} [:\d]{8},\d{3} ")])
def test_warnings_are_told_as_such_and_not_in_absls_form(timed, start):
    told = run_python("-c", _WARNS.format(timed=timed)).stderr.splitlines()
    expected = (start + "warning: 3 clips are short", start + "error: no room", "warning: an old export")
    for line, form in zip(told, expected, strict=True):
        assert re.fullmatch(form, line), line


def in_a_program(code):
    """main as a program's file defines it."""
    names = {"__name__": "__main__"}
    exec(compile(code, "program.py", "exec"), names)
    return names["main"]


@pytest.mark.parametrize(
    "what",
    [
        "__import__('json').loads('{half')",
        "__import__('codecs').getincrementaldecoder('utf-8')().decode(bytes([255]))",
        "__import__('urllib.parse').parse.urlsplit('http://[::1')",
        "__import__('no_such_package')",
        "open('/no/such/file')",
        "__import__('seg2vid_tf.config').config.MotionModelConfig(flow_scale=0.0)",
    ],
)
def test_what_a_readers_library_and_the_machine_say_is_one_line(run_program, what):
    assert run_program(in_a_program(f"def main(): {what}")).startswith("error: ")


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("__import__('numpy').zeros(2) + __import__('numpy').zeros(3)", ValueError),  # NumPy's C code
        ("__import__('numpy').stack([])", ValueError),  # its Python code
        ("int('x')", ValueError),
        ("a, b = [1]", ValueError),
        ("list(zip([1], [], strict=True))", ValueError),
        ("import seg2vid_tf.no_such_module", ImportError),
        ("from json import no_such_name", ImportError),
        ("None.x", AttributeError),
        ("1 + '1'", TypeError),
    ],
)
def test_a_fault_of_the_programs_own_keeps_its_traceback(monkeypatch, what, error):
    monkeypatch.setattr(flags.app, "run", lambda guarded, flags_parser: guarded(["program"]))
    with pytest.raises(error):
        flags.run(in_a_program(f"def main():\n    {what}"))


def test_a_stray_argument_is_refused_before_main_runs(run_program):
    assert run_program(lambda: sys.exit("main ran"), "stray").startswith("error: unexpected argument 'stray'")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size=2"], "error: --output must be given: folder for the results. --help shows all flags"),
        (
            ["--output=a", "--size=wide"],
            "error: flag --size=wide: invalid literal",
        ),
        (["--output=a", "--sise=2"], "error: Unknown command line flag 'sise'. Did you mean: size ?. --help"),
    ],
)
def test_a_wrong_command_line_is_refused_in_one_line(arguments, message):
    table = absl_flags.FlagValues()
    absl_flags.DEFINE_string("output", None, "folder for the results", required=True, flag_values=table)
    absl_flags.DEFINE_integer("size", 1, "pixels", flag_values=table)
    with pytest.raises(SystemExit) as refused:
        flags.parse(["program", *arguments], table)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)
