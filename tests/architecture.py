"""The rooms of the package in one picture, drawn from what imports what: `make documents` puts it into BUILD.md."""

import configparser
import re

import grimp

from tests.programs import ROOT


def layers() -> list[list[str]]:
    """The rooms from top to bottom, those side by side together, as tests/import_contracts.ini orders them."""
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / "tests/import_contracts.ini", encoding="utf-8")
    return [
        re.split(r"\s*\|\s*", line) for line in contracts["importlinter:contract:layers"]["layers"].split("\n") if line
    ]


def imports() -> dict[str, set[str]]:
    """{room: those that it imports}, a room being a folder or a file of the package's top."""
    graph = grimp.build_graph("seg2vid_tf", cache_dir=None)
    found = {room: set() for layer in layers() for room in layer}
    for module in graph.modules - {"seg2vid_tf"}:
        room = _room(module)
        found[room] |= {_room(each) for each in graph.find_modules_directly_imported_by(module)} - {room, None}
    return found


def _room(module):
    """Of seg2vid_tf.data.clip "data"; None of the package itself."""
    return module.split(".")[1] if "." in module else None


def diagram() -> str:
    """The picture in Mermaid's words; an arrow is an import, and those that follow from others are left out."""
    found = imports()

    def reached(room):
        return found[room].union(*map(reached, found[room]))

    lines = ["```mermaid", "flowchart TD"]
    for room, imported in found.items():
        farther = set().union(*map(reached, imported))
        direct = [each for each in found if each in imported - farther]
        lines.append(f"    {room}{' --> ' if direct else ''}{' & '.join(direct)}")
    return "\n".join([*lines, "```"])
