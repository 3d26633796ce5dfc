"""A bulk job: one writer's shards, made by Beam's workers and kept as they come, so that a stopped job goes on.

<out_dir>/.<split>.unfinished/job.json      what is made, so that no other job is mixed with it
<out_dir>/.<split>.unfinished/shard-...     shards and their notes (data/shard_writer.py)
<out_dir>/<split>/manifest.json             when all is there; "job" is what job.json said
"""

import contextlib
import hashlib
import importlib.metadata
import pathlib
import platform
from collections.abc import Iterable, Sequence

import seg2vid_tf
from seg2vid_tf.bulk.progress import watched
from seg2vid_tf.config import differences
from seg2vid_tf.data.beam_runner import DIRECT, run_on_beam
from seg2vid_tf.data.shard_writer import ShardWriter
from seg2vid_tf.data.shards import MANIFEST
from seg2vid_tf.files import read_document, write_document

JOB = "job.json"
# Whose versions a clip's bytes may follow from.
_PACKAGES = ("tensorflow", "numpy", "pillow", "av")


def run_job(writer: ShardWriter, runner: str = DIRECT, arguments: Sequence[str] = (), workers: int = 1) -> dict:
    """Makes what the writer writes, whole or not at all, or goes on making it; says on stderr how far it is.

    Args:
      writer: its source and output are read and written by the workers.
      runner, arguments, workers: as of run_on_beam.

    Returns:
      The manifest; of a job that is finished already, the one that is there.

    Raises:
      ValueError: the output holds another job or something else, another process works on it, every input is refused,
        or what run_on_beam refuses.
      ImportError, RuntimeError: as of run_on_beam.
    """
    job = _identity(writer)
    manifest = writer.target / MANIFEST
    if manifest.exists():
        done = read_document(manifest)
        _check_same(done.get("job"), job, writer.target)
        if done.get("made_of_sha256") != _joined(map(writer.made_of, range(writer.num_shards))):
            raise ValueError(
                f"{writer.target} was made of other files than these, or of these as they were before: give another "
                "--output, or delete it"
            )
        return done
    with writer.workplace():
        _claim(writer, job)
        with _progress(writer):
            run_on_beam(writer.write, range(writer.num_shards), runner, arguments, workers)
        entries = writer.entries()
        made_of = _joined(read_document(path)["made_of"] for path in _note_files(writer))
        return writer.finish(entries, {"job": job, "made_of_sha256": made_of})


def _joined(fingerprints: Iterable[str]) -> str:
    """One fingerprint of those of all shards, in their order."""
    return hashlib.sha256("".join(fingerprints).encode()).hexdigest()


def _identity(writer):
    """What the job's bytes follow from, the contents of its inputs left aside: those are looked at shard by shard."""
    return {
        "source": writer.source.settings,
        "clips_per_shard": writer.clips_per_shard,
        "written": type(writer).__name__,
        "options": writer.options(),
        "versions": {"seg2vid_tf": seg2vid_tf.__version__, "python": platform.python_version(), **_versions()},
    }


def _versions():
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _claim(writer, job):
    path = writer.unfinished / JOB
    if path.exists() and read_document(path) != job:
        notes = _note_files(writer)
        # Where nothing but refusals came of an earlier try, as with a wrong flag, there is nothing to mix.
        if any(clips for clips, _ in filter(None, map(_counts, notes))):
            _check_same(read_document(path), job, writer.unfinished)
        for note in notes:
            note.unlink()
    write_document(path, job)


def _check_same(there, job, folder):
    if there is None:
        raise ValueError(f"{folder} is there and no bulk job made it: give another --output")
    changed = differences(there, job)
    if changed:
        raise ValueError(
            f"{folder} holds another job; it differs in {'; '.join(changed)}. Give the same flags to go on with it, or "
            "another --output, or delete it"
        )


def _note_files(writer) -> list[pathlib.Path]:
    """The notes of the shards written by now."""
    return sorted(writer.unfinished.glob("shard-*.json"))


def _counts(note: pathlib.Path) -> tuple[int, int] | None:
    """How many clips a shard holds and how many were refused; None where its note cannot be read, or not now."""
    # One that is damaged, or is replaced at this moment, is its writer's business.
    with contextlib.suppress(OSError, ValueError, KeyError):
        entry = read_document(note)["entry"]
        return len(entry["clips"]), len(entry["bad_clips"])


@contextlib.contextmanager
def _progress(writer):
    """Says what is there, wherever the workers are: they leave notes."""
    counts = {}

    def look():
        for note in _note_files(writer):
            with contextlib.suppress(OSError):
                written = note.stat().st_mtime_ns  # one that is made anew is counted anew
                if counts.get(note.name, (0, None))[0] != written and (found := _counts(note)):
                    counts[note.name] = written, found
        return tuple(map(sum, zip(*(found for _, found in counts.values()), strict=True))) or (0, 0)

    with watched(look, len(writer.source), "clips"):
        yield
