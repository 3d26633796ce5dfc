"""Matching that is kept: what it is, when it is found again, and when it cannot be kept."""

import errno
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.data import matching_cache
from seg2vid_tf.data.pipeline import make_dataset
from seg2vid_tf.ops.matching import MATCHING_VERSION, estimate_flow
from tests.stacks import on_second_stack

pytestmark = on_second_stack

WINDOW = {"num_frames": 2, "batch_size": 2, "seed": 5}


@pytest.fixture
def split(street_data, tmp_path):
    # Without what another test's training has kept there.
    ignored = shutil.ignore_patterns(matching_cache.FOLDER)
    return pathlib.Path(shutil.copytree(street_data / "train", tmp_path / "train", ignore=ignored))


def batches(split, count=6, **more):
    """Two epochs of the split's windows, or nearly."""
    return list(make_dataset(split, with_matching=True, **{**WINDOW, **more}).take(count))


def match_sevens(monkeypatch):
    """What is matched anew is sevens from here on."""
    monkeypatch.setattr(matching_cache, "_matched", lambda frames: tf.fill([len(frames) - 1, 8, 16, 3], 7.0))


@pytest.fixture
def match_means(monkeypatch):
    """Instead of matching, which takes seconds to trace: as many numbers, each of its own frames and place."""
    monkeypatch.setattr(
        matching_cache, "_matched", lambda frames: tf.nn.avg_pool2d(frames[1:] - frames[0], 4, 4, "SAME")
    )


def test_it_is_what_matching_finds_mirrored_or_not(split):
    plain = make_dataset(split, **WINDOW, flip=False).take(6)
    found = batches(split)
    mirrored = [bool(np.any(a["frames"][0] != b["frames"][0])) for a, b in zip(plain, found, strict=True)]
    assert any(mirrored) and not all(mirrored)
    matched = tf.function(estimate_flow)
    for batch in found:
        displacements, fits = matched(batch["frames"])
        assert np.abs(displacements).max() > 0.5, "it moves"
        np.testing.assert_allclose(batch["displacements"], displacements, atol=1e-3)
        np.testing.assert_allclose(batch["fits"], fits, atol=1e-4)


def test_a_window_is_matched_once(split, match_means, monkeypatch):
    first = batches(split)
    name = f"v{MATCHING_VERSION}-2x1-32x64.rows"
    assert [p.name.split("-", 1)[1] for p in (split / "matching").iterdir()] == [name] * 2
    match_sevens(monkeypatch)
    for before, after in zip(first, batches(split), strict=True):
        np.testing.assert_array_equal(before["displacements"], after["displacements"])
        np.testing.assert_array_equal(before["fits"], after["fits"])
    (other,) = batches(split, 1, num_frames=1)
    assert np.all(other["fits"] == 7.0) and other["fits"].shape == (2, 1, 8, 16, 1), "windows of another length"


def test_what_another_version_of_the_matching_found_is_not_taken(split, match_means, monkeypatch):
    batches(split, 1)
    match_sevens(monkeypatch)
    monkeypatch.setattr(matching_cache, "MATCHING_VERSION", MATCHING_VERSION + 1)
    assert np.all(batches(split, 1)[0]["fits"] == 7.0)


def test_a_row_that_was_not_written_whole_is_matched_anew(split, match_means, monkeypatch):
    """As after a power cut: the file system may keep a row's end and lose what is before it."""
    whole = batches(split)
    for path in (split / "matching").iterdir():
        rows = np.fromfile(path, np.uint8)
        rows[: len(rows) // 2][3::256] ^= 64  # exponents of its float32
        path.write_bytes(rows)
    again = batches(split)
    for before, after in zip(whole, again, strict=True):
        np.testing.assert_allclose(before["displacements"], after["displacements"], atol=1e-4)
    match_sevens(monkeypatch)
    for before, after in zip(again, batches(split), strict=True):
        np.testing.assert_array_equal(before["displacements"], after["displacements"], "and kept again")


def test_on_a_full_disk_windows_are_matched_whenever_they_are_met(split, match_means, monkeypatch, caplog):
    batches(split, 1)

    def full(file, row, place):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    match_sevens(monkeypatch)
    assert not np.any(batches(split, 1)[0]["fits"] == 7.0), "what was kept before is read"
    assert all(np.all(batch["fits"] == 7.0) for batch in batches(split, num_frames=1))
    assert "no more of the matching is kept, it is done at every step: [Errno 28]" in caplog.text


def test_where_it_cannot_be_kept_a_step_matches_itself(split, monkeypatch, caplog):
    monkeypatch.setattr(matching_cache, "MAX_BYTES", 1000)
    (batch,) = batches(split, 1)
    assert "displacements" not in batch and not (split / "matching").exists()
    assert "matching is not kept, it is done at every step: matching of all windows takes" in caplog.text
    monkeypatch.undo()
    (split / "matching").write_text("a file, where a folder cannot be made")
    (batch,) = batches(split, 1)
    assert "fits" not in batch


def test_windows_that_are_never_the_same_are_not_kept(split):
    for change in ({"crop": 0.5}, {"reverse": True}, {"recolor": 0.1}):
        with pytest.raises(ValueError, match="with_matching keeps what is found in a window: crop must be 1"):
            batches(split, 1, **change)
