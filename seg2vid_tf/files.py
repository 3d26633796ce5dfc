"""Writing whole or not at all: a temporary name beside the target, then a rename; no empty folders left behind.

A folder that one process alone may write into is held by that process.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import socket
from collections.abc import Iterator

# It holds "process <id> on <host>" while one holds its folder.
LOCK_FILE = ".lock"
# In a JSON document: the SHA-256 of all else that it holds.
CHECKSUM = "sha256"
# What writing ends with where there is no more room: on a disk, in a quota, in what a process may write.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class NotWritten(Exception):
    """A file cannot be written. It names the file; no input is to blame."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside ``path``, of its suffix; it becomes ``path`` when the block ends without error.

    Raises:
      OSError: what writing ends with; of a full disk with the path, which Python leaves out.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{socket.gethostname()}-{os.getpid()}.tmp{path.suffix}")
    try:
        with _named(path):
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _named(path):
    """Errors of a full disk name the path, which Python leaves out of what writing raises."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in NO_ROOM:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a UTF-8 text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_document(path: str | os.PathLike, document: dict, indent: int | None = 2) -> None:
    """Writes a JSON document that only programs write, whole or not at all, with a checksum that read_document checks.

    JSON has none of its own: one flipped bit in a file makes another number of it.
    """
    document = json.loads(json.dumps(document))
    write_text(path, json.dumps({**document, CHECKSUM: _checksum(document)}, indent=indent) + "\n")


def read_document(path: str | os.PathLike) -> dict:
    """What write_document was given; documents of before, which have no checksum, are read as they are.

    Raises:
      FileNotFoundError: no such file.
      ValueError: it is no JSON object, or not as it was written; why, for the caller to say of what.
    """
    try:
        document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"not a JSON document ({error})") from error
    if not isinstance(document, dict):
        raise ValueError(f"not a JSON object but {type(document).__name__}")
    checksum = document.pop(CHECKSUM, None)
    if checksum is not None and checksum != _checksum(document):
        raise ValueError(
            f"not as it was written, its {CHECKSUM} is that of another content (who changed it on purpose deletes the "
            f"line {CHECKSUM})"
        )
    return document


def _checksum(document):
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


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

    The kernel's lock decides, on this host and, over a network file system, on others: it goes with its process,
    however that ends, so what is left of one is taken over, whatever the host is called now. Where a file system has no
    locks, the words in the file are all there is, and stay after a kill.

    Args:
      path: the folder.
      name: what errors call it, where it is not its path.

    Raises:
      ValueError: another process holds it, or, where files cannot be locked, may hold it.
      OSError: the disk is full; it names the lock's file.
    """
    path = pathlib.Path(path)
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
                if _holder(file):
                    raise ValueError(
                        f"{name} is in use by {_holder(file)}; its file system cannot lock files ({error}), so whether "
                        f"that still runs is not known: if it has ended, delete {lock}"
                    ) from error
            # The one before removes the file when it ends: what was opened just then is no longer the folder's.
            if _is_at(file, lock):
                break
        try:
            file.truncate(0)
            with _named(lock):
                # Past the buffer, whose closing would write once more, and raise without the name.
                os.write(file.fileno(), f"process {os.getpid()} on {socket.gethostname()}".encode())
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
