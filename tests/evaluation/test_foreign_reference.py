import collections

import numpy as np
import pytest

from seg2vid_tf.evaluation.foreign_reference import foreign_references
from tests.programs import run_python


def test_another_place_where_the_names_tell():
    """Two cities, and within a city many drives: the reference is always of the other city, and not always one."""
    cities = ["ulm"] * 20 + ["zurich"] * 30
    references = foreign_references([f"pairs_256_{city}_{i:06d}_000019" for i, city in enumerate(cities)])
    assert all(cities[i] != cities[reference] for i, reference in enumerate(references))
    assert len(set(references[:20])) > 5 and len(set(references[20:])) > 5


def test_else_another_clip_else_another_frame():
    clips = ["seq0001"] * 3 + ["seq0002"] * 3
    assert all(clips[i] != clips[r] for i, r in enumerate(foreign_references(clips)))
    for seed in range(5):
        references = foreign_references(["seq0001"] * 4, seed)
        assert all(i != reference for i, reference in enumerate(references))


def test_long_numbers_are_read_in_no_time():
    """In a process of its own, which is ended where it hangs."""
    names = [f"n{'1234567890' * 6}_{side}" for side in ("left", "right")]
    code = "import sys; from seg2vid_tf.evaluation.foreign_reference import foreign_references as f"
    assert run_python("-c", f"{code}; print(f(sys.argv[1:]))", *names).stdout == "[1 0]\n"


def test_the_seed_decides_and_all_are_drawn():
    clips = [f"clip{i:03d}" for i in range(4)]
    np.testing.assert_array_equal(foreign_references(clips, 3), foreign_references(clips, 3))
    drawn = collections.Counter(int(foreign_references(clips, seed)[0]) for seed in range(60))
    assert set(drawn) == {1, 2, 3}
    with pytest.raises(ValueError, match="another frame of the split, which has 1"):
        foreign_references(["clip"])
