"""The videos that a page keeps."""

import numpy as np
import pytest

from seg2vid_tf.web.kept_videos import KeptVideos
from seg2vid_tf.web.models import Video


def test_the_oldest_go_when_there_is_no_more_room():
    kept, frames = KeptVideos(max_bytes=1000), np.zeros((1, 10, 10, 3), np.uint8)
    keys = [kept.keep(Video(seed, frames), None, kept.begin()) for seed in range(4)]
    assert len(set(keys)) == 4 and min(map(len, keys)) >= 20, "nobody guesses them"
    assert [kept[key][0].seed for key in keys[1:]] == [1, 2, 3]
    with pytest.raises(ValueError, match="make it once more"):
        kept[keys[0]]
    request, large = kept.begin(), np.zeros((9, 10, 10, 3), np.uint8)
    whole = [kept.keep(Video(seed, large), None, request) for seed in range(8)]
    assert [kept[key][0].seed for key in whole] == list(range(8)), "all of them are shown: whatever they take"
    with pytest.raises(ValueError, match="not kept any longer"):
        kept[keys[3]]
    kept.begin()
    assert kept[whole[0]][0].seed == 0, "they go for another video, not before"


def test_flow_and_visibility_take_little_room_and_come_back_as_they_are_seen():
    kept, frames = KeptVideos(max_bytes=1800), np.zeros((1, 10, 10, 3), np.uint8)  # two of 900 bytes
    random = np.random.default_rng(0)
    flow, seen = random.normal(0, 20, (1, 10, 10, 2)), random.uniform(0, 1, (1, 10, 10, 1))
    made = Video(7, frames, frames[..., 0], flow.astype(np.float32), seen.astype(np.float32))
    first, _ = [kept.keep(made, None, kept.begin()) for _ in range(2)]
    found, _ = kept[first]
    assert found.flow.dtype == found.visibility.dtype == np.float32
    np.testing.assert_allclose(found.flow, flow, rtol=2**-11)
    np.testing.assert_array_equal(np.round(255 * found.visibility), np.round(255 * made.visibility))
