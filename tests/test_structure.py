"""The shape of the house: who imports whom, what is imported when, and what no file may hold."""

import ast
import graphlib
import pathlib

import pytest

from tests.programs import run_python
from tests.stacks import on_second_stack

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = sorted((ROOT / "seg2vid_tf").rglob("*.py"))
SCRIPTS = sorted((ROOT / "experiments").rglob("*.py"))
WITHOUT_TENSORFLOW = ROOT / "tests/without_tensorflow.py"
LONGEST = 40
PROGRAMS = [path for path in SCRIPTS if "__main__" in path.read_text(encoding="utf-8")]


def _name(path):
    return str(path.relative_to(ROOT))


def test_rooms_import_only_what_they_may():
    importlinter = pytest.importorskip("importlinter")
    done = run_python(
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as c; c(sys.argv[1:])",
        "--config=tests/import_contracts.ini",
        "--no-cache",
    )
    assert done.returncode == 0, f"import-linter at {importlinter.__file__}\n{done.stdout}{done.stderr}"
    assert "0 broken" in done.stdout


def test_no_import_cycles():
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("seg2vid_tf", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules


def test_light_modules_stay_light():
    """The package itself and what programs need for --help and the client for its files load no TensorFlow."""
    modules = ["flags", "media", "annotations.label_map", "run_folder", "training.program"]
    modules += ["serving.client", "export_folder", "serving.server_flags", "serving.messages"]
    modules += ["web.calls", "web.canvas", "web.models", "web.result", "web.upload"]  # the page before a server
    modules += ["pipeline", "serving.converted", "ops.numpy_noise"]
    code = f"""
import importlib, sys
for module in ["seg2vid_tf", *(f"seg2vid_tf.{{m}}" for m in {modules})]:
    importlib.import_module(module)
    heavy = [m for m in ("tensorflow", "keras", "tensorflow_probability") if m in sys.modules]
    if heavy:
        sys.exit(f"{{module}} imports {{heavy}}")
for protocol in ("rest", "grpc"):
    sys.modules["seg2vid_tf.serving.client"].Seg2VidClient("localhost:1", "street", protocol).close()
    if any(module.split(".")[0] in ("tensorflow", "tensorflow_serving") for module in sys.modules):
        sys.exit(f"a client by {{protocol}} imports TensorFlow")
"""
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


@on_second_stack
@pytest.mark.parametrize("program", PROGRAMS, ids=_name)
def test_help_needs_no_tensorflow(program):
    done = run_python(WITHOUT_TENSORFLOW, program, "--help")
    what_it_does = ast.get_docstring(ast.parse(program.read_text(encoding="utf-8")))
    assert done.stdout.startswith(what_it_does.splitlines()[0]), done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", [*PACKAGE, *SCRIPTS], ids=_name)
def test_every_file_keeps_the_habits(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module docstring comes first"
    for node in ast.walk(tree):
        where = f"line {getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.Assert), f"{where}: raise an error with a message instead of assert"
        bare = isinstance(node, ast.ExceptHandler) and node.type is None
        assert not bare, f"{where}: name the exceptions that are expected"
        if isinstance(node, ast.FunctionDef):
            count = _lines_of_code(node, path)
            assert count <= LONGEST, f"{where}: {node.name} has {count} lines of code, at most {LONGEST}: part it"


def _lines_of_code(function, path):
    """Of a function's body, but for its docstring, comments and empty lines."""
    lines = path.read_text(encoding="utf-8").splitlines()[function.body[0].lineno - 1 : function.end_lineno]
    if ast.get_docstring(function):
        lines = lines[function.body[0].end_lineno - function.body[0].lineno + 1 :]
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))
