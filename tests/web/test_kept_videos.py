"""The videos that a page keeps."""

import numpy as np
import pytest

from seg2vid_tf.web.kept_videos import KeptVideos
from seg2vid_tf.web.models import Video


def test_the_oldest_go_when_there_is_no_more_room():
    kept, frames = KeptVideos(max_bytes=1000), np.zeros((1, 10, 10, 3), np.uint8)
    keys = [kept.keep(Video(seed, frames), None) for seed in range(4)]
    assert len(set(keys)) == 4 and min(map(len, keys)) >= 20, "nobody guesses them"
    assert [kept[key][0].seed for key in keys[1:]] == [1, 2, 3]
    with pytest.raises(ValueError, match="make it once more"):
        kept[keys[0]]
    large = kept.keep(Video(9, np.zeros((9, 10, 10, 3), np.uint8), flow=np.zeros((8, 10, 10, 2))), None)
    assert kept[large][0].seed == 9, "the newest one stays whatever it takes"
    with pytest.raises(ValueError, match="not kept any longer"):
        kept[keys[3]]
