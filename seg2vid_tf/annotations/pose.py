"""Joints -> pose maps: label maps whose classes are the limbs of a spec's skeleton. NumPy only.

A pose map is a label map like any other: 0..K-1 of its spec, background where there is no limb. A limb is the set of
pixels whose centre lies within half a line width of the line between the limb's two ends, so its ends are round and
there is no anti-aliasing. Limbs are drawn in the order of their class ids: a later one covers an earlier one.
"""

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec


def draw_pose(
    joints: np.ndarray,
    spec: AnnotationSpec,
    size: tuple[int, int],
    *,
    line_width: float = 3.0,
    min_score: float = 0.2,
) -> np.ndarray:
    """The pose maps of a row of frames with one person each.

    Args:
      joints: float [T, J, 3]: y as a share of the height, x as a share of the width (0 is the upper left edge of the
        picture, 1 its lower right edge; a joint may lie outside), and a score; J in the order of the spec's skeleton.
      spec: one with a skeleton; its class 0 is the background.
      size: (height, width) of the maps.
      line_width: of the limbs, in pixels.
      min_score: a limb is drawn where every joint of both its ends scores above this.

    Returns:
      uint8 [T, H, W].

    Raises:
      ValueError: a spec without a skeleton, joints of another shape, NaN or infinite numbers, a size or line width that
        is not positive.
    """
    if spec.skeleton is None:
        raise ValueError(f"spec {spec.name!r} has no skeleton to draw; give one with joints and limbs")
    joints, names = np.asarray(joints), spec.skeleton.joints
    if joints.ndim != 3 or joints.shape[1:] != (len(names), 3) or not np.issubdtype(joints.dtype, np.floating):
        raise ValueError(
            f"joints: {joints.dtype} {list(joints.shape)}, expected float [T, {len(names)}, 3] of (y, x, score) "
            f"in the order of spec {spec.name!r}: {', '.join(names)}"
        )
    joints = joints.astype(np.float64)
    if not np.isfinite(joints).all():
        frame, joint = np.argwhere(~np.isfinite(joints))[0, :2]
        raise ValueError(
            f"joints: frame {frame}, {names[joint]} is {joints[frame, joint]}; set the score of an unknown joint to 0 "
            "and its place to any finite number"
        )
    if min(size) < 1 or not line_width > 0:
        raise ValueError(f"size and line_width must be positive, received {tuple(size)} and {line_width}")
    height, width = size
    maps = np.zeros((len(joints), height, width), np.uint8)
    index = {name: i for i, name in enumerate(names)}
    for class_id in sorted(spec.skeleton.limbs):
        ends = [joints[:, [index[name] for name in end]] for end in spec.skeleton.limbs[class_id]]
        drawn = np.concatenate([end[..., 2] for end in ends], axis=1).min(axis=1) > min_score
        # Pixel (i, j) has its centre at (i + 0.5, j + 0.5).
        start, stop = (end[..., :2].mean(axis=1) * (height, width) - 0.5 for end in ends)
        maps[drawn] = np.where(_near(start[drawn], stop[drawn], size, line_width / 2), class_id, maps[drawn])
    return maps


def _near(start: np.ndarray, stop: np.ndarray, size: tuple[int, int], radius: float) -> np.ndarray:
    """bool [N, H, W]: the pixels whose distance to the line from start to stop, [N, 2], is at most the radius."""
    y, x = np.mgrid[: size[0], : size[1]]
    to_pixel_y, to_pixel_x = y - start[:, 0, None, None], x - start[:, 1, None, None]
    along = stop - start
    along_y, along_x = along[:, 0, None, None], along[:, 1, None, None]
    length_squared = along_y**2 + along_x**2
    share = (to_pixel_y * along_y + to_pixel_x * along_x) / np.maximum(length_squared, 1e-12)
    share = np.clip(share, 0, 1)
    distance_squared = (to_pixel_y - share * along_y) ** 2 + (to_pixel_x - share * along_x) ** 2
    # A hair more than the radius, so that a pixel just at the edge counts on both sides of the line alike.
    return distance_squared <= radius**2 + 1e-6
