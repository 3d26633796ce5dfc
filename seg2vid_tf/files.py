"""Writing whole or not at all: a temporary name beside the target, then a rename; no empty folders left behind."""

import contextlib
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterator


class NotWritten(Exception):
    """A file cannot be written. It names the file; no input is to blame."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside ``path``, of its suffix; it becomes ``path`` when the block ends without error."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a UTF-8 text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_new(folder: pathlib.Path) -> None:
    """Raises ValueError where there is a folder that holds something, or a file."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder}: already there; choose another split or output folder, or delete it first")


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a new folder beside ``path``, which becomes ``path`` when the block ends without error.

    Raises:
      ValueError: there is a folder that holds something, or a file; or a disk of its own, which cannot be replaced.
    """
    path = pathlib.Path(path).absolute()
    check_new(path)
    if path.is_mount():
        raise ValueError(f"{path}: a disk of its own, which cannot be written as a whole; name a new folder in it")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with new_folders(path.parent):
        temporary.mkdir()
        try:
            yield temporary
            os.rename(temporary, path)  # an empty folder may be there, any other is refused
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def new_folders(path: str | os.PathLike) -> Iterator[None]:
    """Creates a folder and its parents for the block; those that are new and empty when it ends are removed again."""
    path = pathlib.Path(path)
    created = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        for folder in created:
            with contextlib.suppress(OSError):  # rmdir refuses a folder that holds something, which is what we want
                folder.rmdir()


def sha256_of(path: pathlib.Path) -> str:
    """The SHA-256 of a file's content, or of the names and contents of all files in a folder."""
    digest = hashlib.sha256()
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n".encode())
        return digest.hexdigest()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
