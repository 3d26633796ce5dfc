import numpy as np

from seg2vid_tf.evaluation.latent_swap import swap_scores
from seg2vid_tf.evaluation.video import Video


def video(flow):
    frames = np.zeros((2, 4, 4, 3), np.uint8)
    return Video(frames, frames[..., 0], flow, chunk=1, flow_backward=flow)


def test_a_swap_is_measured_on_each_group():
    """The background's part moves the background by 3 pixels and the car by 1; the car's moves the car alone, by 5."""
    car = np.zeros((4, 4), bool)
    car[:2] = True
    flows = [np.zeros((1, 4, 4, 2), np.float32) for _ in range(3)]
    flows[1][:, ~car, 0], flows[1][:, car, 1] = 3.0, 1.0
    flows[2][:, car] = (3.0, 4.0)
    before, background, foreground = map(video, flows)
    assert swap_scores(before, background, foreground, car) == {
        "swap_background_moves_background": 3.0,
        "swap_background_moves_foreground": 1.0,
        "swap_foreground_moves_background": 0.0,
        "swap_foreground_moves_foreground": 5.0,
    }
    without = swap_scores(before, background, foreground, np.zeros_like(car))
    assert np.isnan(without["swap_background_moves_foreground"])
