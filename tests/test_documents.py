"""The documents: links and flags that they name exist, and what programs write into them is up to date.

README.md stays short, and BUILD.md's words are those of the code.
"""

import functools
import json
import re
import shutil

import pytest

from tests.programs import EXPERIMENTS, ROOT, run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

DOCUMENTS = [ROOT / name for name in ("README.md", "BUILD.md", "CONTRIBUTING.md", "seg2vid_tf/serving/README.md")]
DOCUMENTS += [EXPERIMENTS / name for name in ("README.md", "NOTES.md")]
WITHOUT_COMMANDS = ("BUILD.md", "CONTRIBUTING.md")
# A program with what follows it up to the end of its line; lines that end in a backslash are put together before.
COMMAND = re.compile(r"(?<![\w/])(?:experiments/)?(\w+)\.py((?:[ \t]+--?[^\s`]+)+)")
INLINE, NAMED = re.compile(r"\]\(([^)\s]+)\)"), re.compile(r"^\[\w+\]: (\S+)", re.M)


def _name(path):
    return str(path.relative_to(ROOT))


def _text(path):
    return path.read_text(encoding="utf-8")


def test_readme_is_short():
    lines = _text(ROOT / "README.md").splitlines()
    assert len(lines) <= 250
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.parametrize("path", [EXPERIMENTS / "README.md", EXPERIMENTS / "NOTES.md"], ids=_name)
def test_prose_keeps_to_100_columns(path):
    """Tables cannot be broken, nor code spans."""
    lines = [line for line in _text(path).splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > 100 and " " in re.sub("`[^`]*`", "", line)] == []


def _anchors(path):
    """What GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", _text(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(path):
    wrong, links = [], INLINE.findall(_text(path)) + NAMED.findall(_text(path))
    for link in links:
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        if "://" not in link and not (target.exists() and (not anchor or anchor in _anchors(target))):
            wrong.append(link)
    assert wrong == []
    assert links or path.name == "BUILD.md"


def _cog(*files, folder=ROOT):
    return run_python("-m", "cogapp", "--check", "-I", ROOT, *files, folder=folder)


def test_what_programs_write_into_the_documents_is_up_to_date(tmp_path):
    pytest.importorskip("cogapp")
    pytest.importorskip("grimp")
    written = [_name(path) for path in DOCUMENTS if "[[[cog" in _text(path)]
    assert re.search(r"/cog -r -I \. (.*)", _text(ROOT / "Makefile"))[1].split() == written
    done = _cog(*written)
    assert done.returncode == 0, f"make documents\n{done.stdout}{done.stderr}"

    shutil.copytree(EXPERIMENTS / "results", tmp_path / "experiments/results")
    changed = _text(EXPERIMENTS / "README.md").replace("| version 4 | 0.", "| version 4 | 1.", 1)
    (tmp_path / "README.md").write_text(changed, encoding="utf-8")
    done = _cog("README.md", folder=tmp_path)
    assert done.returncode != 0 and "Check failed" in done.stdout + done.stderr, "a changed number is found"


@pytest.mark.parametrize("path", sorted((EXPERIMENTS / "results").iterdir()), ids=_name)
def test_results_name_no_place_of_the_machine_that_they_were_measured_on(path):
    def texts(value):
        if isinstance(value, dict | list):
            return [text for each in (value.values() if isinstance(value, dict) else value) for text in texts(each)]
        return [value] if isinstance(value, str) else []

    assert [text for text in texts(json.loads(_text(path))) if text.startswith("/")] == []


def test_the_words_are_those_of_the_code():
    section = re.search(r"^## Words\n.*?(?=^## )", _text(ROOT / "BUILD.md"), re.M | re.S)[0]
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| `(\w+)` in ([\w/]+\.py) \|$", section, re.M)
    assert len(rows) >= 20 and len(rows) == len(re.findall(r"^\| (?!word )", section, re.M))
    gone = [row for row in rows if not re.search(rf"\b{row[1]}\b", _text(ROOT / "seg2vid_tf" / row[2]))]
    assert gone == []


def test_the_lint_is_one_version_everywhere():
    """.ci installs setup.py's extra dev, a commit's hook what .pre-commit-config.yaml names."""
    (version,) = re.findall(r'"ruff==([\d.]+)"', _text(ROOT / "setup.py"))
    hooks = _text(ROOT / ".pre-commit-config.yaml")
    assert re.findall(r"ruff==([\d.]+)", hooks) == [version, version]
    commands = re.findall(r"bin/(ruff .*)$", _text(ROOT / "Makefile"), re.M)
    entries = re.findall(r"entry: (.*)$", hooks, re.M)
    assert [line.replace(" --check", "").removesuffix(" .") for line in commands] == entries


def commands(text):
    """(program, its flags' names) of every command in a text."""
    found = COMMAND.findall(re.sub(r"\\\n\s*", " ", text))
    return [(f"{program}.py", re.findall(r"--(\w+)", flags)) for program, flags in found]


@functools.cache
def _flags_of(program):
    """The names of all flags that a program knows; a bool's with "no" before it, too."""
    xml = run_python(EXPERIMENTS / program, "--helpxml").stdout
    names = re.findall(r"<name>(\w+)</name>", xml)
    assert len(names) > 5, xml
    return {"flagfile", *names, *(f"no{name}" for name in names)}  # absl reads --flagfile itself


@pytest.mark.parametrize("path", [*DOCUMENTS, ROOT / "Makefile"], ids=_name)
def test_commands_name_flags_that_exist(path):
    found = [(program, flags) for program, flags in commands(_text(path)) if (EXPERIMENTS / program).exists()]
    assert found or path.name in WITHOUT_COMMANDS
    unknown = [(program, flag) for program, flags in found for flag in flags if flag not in _flags_of(program)]
    assert unknown == []


def test_an_unknown_flag_in_a_document_is_found():
    """The two tests above see what they are to see."""
    text = "    python experiments/generate.py --preset=x \\\n        --resise --nopalette\n"
    ((program, flags),) = commands(text)
    assert (program, flags) == ("generate.py", ["preset", "resise", "nopalette"])
    assert set(flags) - _flags_of(program) == {"resise"}


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.py")), ids=_name)
def test_help_opens_with_an_example(path):
    """In the first lines of --help, which is the program's docstring, stands a command of this very program."""
    opening = "\n".join(_text(path).split('"""')[1].splitlines()[:5])
    example = [flags for program, flags in commands(opening) if program == path.name]
    assert example, opening
    # A backslash at a line's end would be eaten, and with it the line's.
    assert _text(path).startswith('r"""') or "\\\n" not in _text(path).split('"""')[1]
    assert set(example[0]) <= _flags_of(path.name)


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("benchmarks/*.py")), ids=_name)
def test_help_of_a_benchmark_opens_with_an_example(path):
    text = _text(path)
    if "__main__" in text:  # the others are imported
        assert f"    python experiments/benchmarks/{path.name}" in "\n".join(text.splitlines()[:5]).replace(
            "PYTHONPATH=TREE ", ""
        )
