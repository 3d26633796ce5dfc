"""Files appear whole or not at all, and one process at a time holds a folder."""

import errno
import fcntl
import os
import re
import resource
import socket
import subprocess
import sys

import numpy as np
import pytest

from seg2vid_tf.files import (
    LOCK_FILE,
    held_folder,
    new_folders,
    read_document,
    replacing,
    replacing_folder,
    write_document,
    write_text,
)
from seg2vid_tf.ops.npz_file import write_arrays


def test_the_target_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "a" / "b" / "picture.png"
    with replacing(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == ".png"
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert [p.name for p in target.parent.iterdir()] == ["picture.png"]


def test_an_error_leaves_the_target_as_it_was_and_nothing_beside_it(tmp_path):
    target = tmp_path / "text.txt"
    write_text(target, "old")
    with pytest.raises(RuntimeError, match="half-way"), replacing(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError("half-way")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["text.txt"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "never.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_text_is_utf_8_and_replaces(tmp_path):
    write_text(tmp_path / "t", "one")
    write_text(tmp_path / "t", "Straße\n")
    assert (tmp_path / "t").read_bytes() == "Straße\n".encode()


def test_new_folders_that_stay_empty_are_removed_again_and_no_others(tmp_path):
    (tmp_path / "old").mkdir()
    with pytest.raises(RuntimeError, match="refused"), new_folders(tmp_path / "old/a/b"):
        assert (tmp_path / "old/a/b").is_dir()
        raise RuntimeError("refused")
    assert list((tmp_path / "old").iterdir()) == []
    with new_folders(tmp_path / "old"):
        pass
    with new_folders(tmp_path / "old/c/d"):
        (tmp_path / "old/c/file").write_text("kept")
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == ["old", "old/c", "old/c/file"]


def test_a_folder_appears_as_a_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a/out"
    with pytest.raises(RuntimeError, match="half-way"), replacing_folder(target) as folder:
        (folder / "x").write_text("half")
        raise RuntimeError("half-way")
    assert list(tmp_path.iterdir()) == []
    target.mkdir(parents=True)
    with replacing_folder(target) as folder:
        (folder / "x").write_text("whole")
        assert list(target.iterdir()) == []
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == ["a", "a/out", "a/out/x"]
    with pytest.raises(ValueError, match="out: already there"), replacing_folder(target):
        pass
    with pytest.raises(ValueError, match="/: already there|/: a mounted disk"), replacing_folder("/"):
        pass


def test_a_folder_is_held_by_one_and_free_again_afterwards(tmp_path):
    folder = tmp_path / "a" / "run"
    with held_folder(folder):
        holder = (folder / LOCK_FILE).read_text()
        assert holder == f"process {os.getpid()} on {socket.gethostname()}"
        with (
            pytest.raises(ValueError, match=f"run is in use by {holder}: wait until it ends, stop it"),
            held_folder(folder),
        ):
            pass
        assert (folder / LOCK_FILE).read_text() == holder
        (folder / "kept").touch()
    assert [file.name for file in folder.iterdir()] == ["kept"]
    with held_folder(tmp_path / "none"):
        pass
    assert not (tmp_path / "none").exists()
    with pytest.raises(RuntimeError, match="broke off"), held_folder(folder):
        raise RuntimeError("broke off")
    with held_folder(folder):
        pass


@pytest.fixture
def no_room():
    """No file of this process may grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_there_is_no_room_errors_name_the_file_and_nothing_is_left(tmp_path, no_room):
    for name, write in (
        (".lock", lambda: held_folder(tmp_path / "run").__enter__()),
        ("text", lambda: write_text(tmp_path / "text", "word")),
        ("numbers.npz", lambda: write_arrays(tmp_path / "numbers.npz", {"a": np.arange(3)})),
    ):
        with pytest.raises(OSError, match=rf"\[Errno {errno.EFBIG}\].*{re.escape(name)}'$"):
            write()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_held_is_taken_over(tmp_path):
    code = (
        f"from seg2vid_tf.files import held_folder\nwith held_folder({str(tmp_path)!r}): print(1, flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"1\n"
        with pytest.raises(ValueError, match=f"in use by process {other.pid} on "), held_folder(tmp_path):
            pass
        other.kill()
    assert str(other.pid) in (tmp_path / LOCK_FILE).read_text()
    with held_folder(tmp_path):
        assert (tmp_path / LOCK_FILE).read_text().startswith(f"process {os.getpid()} on ")


def test_what_was_left_by_a_host_of_another_name_is_taken_over(tmp_path):
    """A container has a new name at every start; whether one of the old name still runs, the kernel's lock says."""
    (tmp_path / LOCK_FILE).write_text("process 7 on elsewhere")
    with held_folder(tmp_path):
        assert (tmp_path / LOCK_FILE).read_text() == f"process {os.getpid()} on {socket.gethostname()}"
    assert list(tmp_path.iterdir()) == []


def test_without_locks_the_words_in_the_file_decide(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with held_folder(tmp_path):
        message = f"in use by process {os.getpid()} on .* cannot lock files .* if it has ended, delete .*{LOCK_FILE}$"
        with pytest.raises(ValueError, match=message), held_folder(tmp_path):
            pass
        assert (tmp_path / LOCK_FILE).read_text().startswith(f"process {os.getpid()} on ")
    assert list(tmp_path.iterdir()) == []


def test_a_document_is_read_as_it_was_written_or_refused(tmp_path):
    """Each bit of the file, flipped alone, and each shorter length: refused, or the same content."""
    path, document = tmp_path / "a.json", {"rate": 0.5, "names": ["a", None], "more": {"1": True}}
    write_document(path, document)
    assert read_document(path) == document
    content, refused = path.read_bytes(), 0
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            read = read_document(path)
        except ValueError:
            refused += 1
            continue
        # A flip in the checksum's own name leaves the rest as it was.
        assert {name: read[name] for name in document} == document, flipped
    assert refused > 4 * len(content)
    for length in range(len(content) - 1):  # without the line's end it is whole
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="not a JSON document"):
            read_document(path)


def test_a_document_of_before_has_no_checksum_and_one_that_was_changed_says_what_to_do(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"rate": 0.5}')
    assert read_document(path) == {"rate": 0.5}
    write_document(path, {"rate": 0.5})
    path.write_text(path.read_text().replace("0.5", "0.25"))
    with pytest.raises(ValueError, match="not as it was written, .* on purpose deletes the line sha256"):
        read_document(path)
    path.write_text("[1]")
    with pytest.raises(ValueError, match="not a JSON object but list"):
        read_document(path)
