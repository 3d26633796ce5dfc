"""An export's files are those that were exported, or who loads it says which is not."""

import shutil
import subprocess

import numpy as np
import pytest

from seg2vid_tf.export_folder import SUMS, check_sums, encoder_folder, saved_models, write_sums
from seg2vid_tf.pipeline import Seg2VidPipeline
from seg2vid_tf.serving.session_loader import SessionLoader


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables/weights of it").write_bytes(b"numbers")
    write_sums(tmp_path)
    return tmp_path


def test_each_flipped_bit_and_each_shorter_file_is_refused_by_name(folder):
    check_sums(folder)
    for name in ("saved_model.pb", "variables/weights of it"):
        file = folder / name
        content = file.read_bytes()
        damaged = [content[:length] for length in range(len(content))]
        for place in range(8 * len(content)):
            flipped = bytearray(content)
            flipped[place // 8] ^= 1 << place % 8
            damaged.append(bytes(flipped))
        for other in damaged:
            file.write_bytes(other)
            with pytest.raises(ValueError, match=f"{file} is not what was exported"):
                check_sums(folder)
        file.write_bytes(content)
    check_sums(folder)
    file.unlink()
    check_sums(folder)  # what a model cannot do without, its loader misses


def test_damaged_sums_are_refused(folder):
    content = (folder / SUMS).read_bytes()
    for place in range(8 * 66):  # of the first file's sum and the spaces behind it
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        (folder / SUMS).write_bytes(flipped)
        with pytest.raises(ValueError, match="SHA256SUMS"):
            check_sums(folder)
    (folder / SUMS).unlink()
    check_sums(folder)  # an export of before


def test_they_are_what_sha256sum_checks(folder):
    program = shutil.which("sha256sum") or pytest.skip("no sha256sum")
    done = subprocess.run([program, "-c", SUMS], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout == "saved_model.pb: OK\nvariables/weights of it: OK\n"


def test_who_loads_an_export_compares_its_files(saved_model, tmp_path):
    """One flipped bit in each of the two graphs, of the many that TensorFlow loads without a word."""
    copy = tmp_path / "tiny"
    shutil.copytree(saved_model.parent, copy)
    for part in saved_models(copy / "1"):
        listed = {line.split("  ")[1] for line in (part / SUMS).read_text().splitlines()}
        files = {path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file()}
        assert listed == files - {SUMS.as_posix()}
    graph = encoder_folder(copy / "1") / "saved_model.pb"
    _flip(graph)
    pipe = Seg2VidPipeline.from_saved_model(copy)
    frames = np.zeros((3, *pipe.size, 3), np.uint8)
    with pytest.raises(ValueError, match=f"{graph} is not what was exported"):
        pipe.encode_motion(frames, np.zeros(pipe.size, np.uint8))
    _flip(copy / "1/saved_model.pb")
    for load in (Seg2VidPipeline.from_saved_model, SessionLoader):
        with pytest.raises(ValueError, match="1/saved_model.pb is not what was exported"):
            load(copy / "1")


def _flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
