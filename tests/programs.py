"""Programs as a user starts them, each in a process of its own.

One time limit for all of them, which guards against a hang alone: ten times what the slowest takes, because how fast
the machine is, and what else it does, is nothing that a test is about.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Sequence

HANG_SECONDS = 900.0
ROOT = pathlib.Path(__file__).resolve().parents[1]
EXPERIMENTS = ROOT / "experiments"
RUN_SEVERAL = pathlib.Path(__file__).with_name("run_several.py")


def run_python(
    *arguments, env: dict[str, str] | None = None, given: str | None = None, folder: pathlib.Path = ROOT
) -> subprocess.CompletedProcess:
    """This Python with the arguments, to its end.

    Args:
      arguments: a program's file and its options, or "-c" and code.
      env: variables that it sees besides this process's.
      given: what it reads from its input.
      folder: where it runs, the root of the checkout by default.
    """
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        input=given,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )


def free_ports(count: int) -> list[int]:
    """Different ports of this machine at which nobody listens."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def run_program(program: str | pathlib.Path, **options) -> subprocess.CompletedProcess:
    """A program of experiments/ with --name=value for each option."""
    return run_python(*command_line(program, options))


def command_line(program: str | pathlib.Path, options: dict) -> list[str]:
    """The program's file and its options, as ``run_several`` takes them."""
    return [str(EXPERIMENTS / program), *(f"--{name}={value}" for name, value in options.items())]


def run_several(command_lines: Sequence[Sequence], folder: pathlib.Path = ROOT) -> tuple[list, str]:
    """Several command lines in one process, which imports TensorFlow once, in a folder.

    Returns:
      How each one ended: None where it went well, "error: ..." where it said so; and what all of them printed.
    """
    lines = [[str(argument) for argument in line] for line in command_lines]
    done = run_python(RUN_SEVERAL, given=json.dumps(lines), folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout
