"""Writing whole or not at all: a temporary name beside the target, then a rename; no empty folders left behind.

A folder that one process alone may write into is held by that process.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import socket
from collections.abc import Iterator

# It holds "process <id> on <host>" while one holds its folder.
LOCK_FILE = ".lock"


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
        raise ValueError(f"{folder}: already there; name another split or output folder, or delete it first")


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a new folder beside ``path``, which becomes ``path`` when the block ends without error.

    Raises:
      ValueError: there is a folder that holds something, or a file; or a disk of its own, which cannot be replaced.
    """
    path = pathlib.Path(path).absolute()
    check_new(path)
    if path.is_mount():
        raise ValueError(f"{path}: a mounted disk, which cannot be replaced as a whole; name a new folder in it")
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


@contextlib.contextmanager
def held_folder(path: str | os.PathLike, name: str | os.PathLike | None = None) -> Iterator[None]:
    """Holds a folder for this process alone during the block; it is created, and removed again if it stays empty.

    The kernel drops a lock with its process, however that ends: what a process of this host left behind is taken over.
    The end of one on another host may not be seen, so there the words in the file count.

    Args:
      path: the folder.
      name: what errors call it, where it is not its path.

    Raises:
      ValueError: another process holds it, or its file system cannot lock files.
    """
    path, host = pathlib.Path(path), socket.gethostname()
    lock, name = path / LOCK_FILE, path if name is None else name
    with new_folders(path), contextlib.ExitStack() as stack:
        while True:
            file = stack.enter_context(lock.open("a+", encoding="utf-8"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(
                    f"{name} is in use by {_holder(file) or 'another process'}: wait until it ends, stop it there, or "
                    "give another folder"
                ) from error
            except OSError as error:
                raise ValueError(f"{name}: its file system cannot lock files ({error}); use another") from error
            # The one before removes the file when it ends: what was opened just then is no longer the folder's.
            if _is_at(file, lock):
                break
        holder = _holder(file)
        if holder and not holder.endswith(f" on {host}"):
            raise ValueError(
                f"{name} is in use by {holder}, of which {host} cannot tell whether it still runs: if it has ended, "
                f"delete {lock}"
            )
        file.truncate(0)
        file.write(f"process {os.getpid()} on {host}")
        file.flush()
        try:
            yield
        finally:
            if _is_at(file, lock):
                lock.unlink()


def _holder(file):
    file.seek(0)
    return file.read()


def _is_at(file, path):
    """Whether an open file is the one at a path, and not one that was removed or moved since."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


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
