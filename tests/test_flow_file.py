"""The .flo files, against bytes written out by hand and against files of another program."""

import pathlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seg2vid_tf.flow_file import read_flow, write_flow

CHAIRS = pathlib.Path(__file__).resolve().parents[2] / "shared/data/flying_chairs/chairs_00_gt.flo"
# Width 2, height 1; the first pixel moves 3 right and 1 up, the second 0.5 left and 4 down.
BY_HAND = struct.pack("<fii", 202021.25, 2, 1) + struct.pack("<ffff", 3.0, -1.0, -0.5, 4.0)
FLOW = np.array([[[-1.0, 3.0], [4.0, -0.5]]], np.float32)


def test_bytes_by_hand(tmp_path):
    write_flow(FLOW, tmp_path / "new" / "a.flo")
    assert (tmp_path / "new" / "a.flo").read_bytes() == BY_HAND
    np.testing.assert_array_equal(read_flow(tmp_path / "new" / "a.flo"), FLOW)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_round_trip(tmp_path_factory, height, width, seed):
    path = tmp_path_factory.getbasetemp() / "round_trip.flo"
    flow = np.random.default_rng(seed).normal(scale=30, size=(height, width, 2)).astype(np.float32)
    write_flow(flow, path)
    np.testing.assert_array_equal(read_flow(path), flow)


@pytest.mark.skipif(not CHAIRS.exists(), reason="needs ../shared/data/flying_chairs")
def test_a_file_of_flying_chairs():
    flow = read_flow(CHAIRS)
    assert flow.shape == (384, 512, 2) and flow.dtype == np.float32
    assert 0.1 < np.abs(flow).mean() < 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no .flo file"),
        (b"\0" * 20, "no .flo file: it does not begin with 202021.25"),
        (BY_HAND[:-1], "has 27 bytes, and its header of 2 x 1 asks for 28"),
        (BY_HAND + b"\0", "has 29 bytes"),
        (struct.pack("<fii", 202021.25, -2, -1) + BY_HAND[12:], "has 28 bytes, and its header of -2 x -1"),
    ],
)
def test_what_is_no_flow_file_is_refused(tmp_path, content, message):
    (tmp_path / "a.flo").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_flow(tmp_path / "a.flo")


def test_a_clip_of_flows_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"flow must be \[height, width, 2\], received \(4, 2, 2, 2\)"):
        write_flow(np.zeros((4, 2, 2, 2)), tmp_path / "a.flo")
    assert not list(tmp_path.iterdir())
