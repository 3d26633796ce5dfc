"""synthetic_street: a procedural driving world with exact motion, in numpy alone.

``render_clip(seed, num_frames, height, width)`` renders a street of road, kerb, houses, trees, poles and sky, cars and
people that move on their own and a camera that drives and turns, into a Clip with label maps (spec synthetic_street),
instance maps, exact flow and exact visibility between frame 0 and every later frame.
"""

from seg2vid_tf.data.synthetic_street.render import SyntheticStreet, render_clip

__all__ = ["SyntheticStreet", "render_clip"]
