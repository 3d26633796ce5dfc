"""The driving camera of synthetic_street and the plane geometry everything else rests on.

World: x right, y up, z forward, metres. The camera stands ``HEIGHT`` above the ground at (x(t), HEIGHT, z(t)), yawed by
psi(t) (positive = to the right), without roll; a constant pitch is a shifted horizon row. Every visible thing is a
plane with unit coordinates (u, v): point = origin + u * edge_u + v * edge_v. At one instant a plane maps to the image
by a 3x3 matrix M, (px * d, py * d, d) = M (u, v, 1) with d the depth in metres, and back by its inverse A,
(u / d, v / d, 1 / d) = A (px, py, 1). Inverse depth is therefore affine in the image.

Angles are carried as tangents of the half angle and waves are parabolas, so that all of it is exactly rounded
arithmetic.
"""

import dataclasses

import numpy as np

HEIGHT = 1.5
FOCAL = 0.85  # in image widths: 61 degrees from left to right


def wave(phase):
    """A sine made of two parabolas: period 1, amplitude 1, wave(0) = 0, slope 8 at 0; float or array."""
    x = (phase - np.floor(phase)) * 2 - 1
    return -4 * x * (1 - abs(x))


def cos_sin(half_tangent):
    """(cos, sin) of the angle whose half has this tangent."""
    square = half_tangent * half_tangent
    return (1 - square) / (1 + square), 2 * half_tangent / (1 + square)


@dataclasses.dataclass(frozen=True)
class CameraPath:
    """How the camera moves: steadily along the street, weaving a little in its lane, turning its view to and fro.

    Attributes:
      start_x: metres right of the road's middle that the lane's centre line lies.
      speed: metres per second along z.
      weave: metres to either side.
      sway: half tangent of the largest yaw.
      sway_rate: swings per second, of both.
      sway_phase: where in the swing t = 0 lies, in periods.
      horizon: row of the horizon as a share of the image height.
    """

    start_x: float
    speed: float
    weave: float
    sway: float
    sway_rate: float
    sway_phase: float
    horizon: float

    def position(self, time: float) -> tuple[float, float]:
        """(x, z) at ``time`` seconds, metres."""
        return self.start_x + self.weave * float(wave(self.sway_phase + self.sway_rate * time)), self.speed * time

    def heading(self, time: float) -> tuple[float, float]:
        """(cos, sin) of the yaw at ``time`` seconds; a quarter swing ahead of the weave, as steering is."""
        return cos_sin(self.sway * float(wave(self.sway_phase + 0.25 + self.sway_rate * time)))


@dataclasses.dataclass(frozen=True)
class View:
    """The camera at one instant: where it stands, how it looks and how large its image is.

    Attributes:
      x, z: ground position in metres.
      cos, sin: of the yaw.
      focal: in pixels.
      center_y, center_x: principal point in pixels; pixel centres are at integers.
    """

    x: float
    z: float
    cos: float
    sin: float
    focal: float
    center_y: float
    center_x: float


def view_at(path: CameraPath, time: float, height: int, width: int) -> View:
    """The camera at ``time`` seconds; the same scene at every image size (half-pixel centres)."""
    return View(*path.position(time), *path.heading(time), FOCAL * width, path.horizon * height - 0.5, width / 2 - 0.5)


def _project(view: View, vectors: np.ndarray) -> np.ndarray:
    """World vectors relative to the camera [..., 3] -> homogeneous pixels [..., 3]."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    across = view.cos * x - view.sin * z
    depth = view.sin * x + view.cos * z
    out = np.empty_like(vectors)
    out[..., 0] = view.focal * across + view.center_x * depth
    out[..., 1] = view.center_y * depth - view.focal * y
    out[..., 2] = depth
    return out


def plane_to_image(view: View, origin: np.ndarray, edge_u: np.ndarray, edge_v: np.ndarray) -> np.ndarray:
    """M of every plane.

    Args:
      view: the camera.
      origin: float64 [S, 3], relative to the camera's position.
      edge_u, edge_v: float64 [S, 3].

    Returns:
      float64 [S, 3, 3].
    """
    return np.stack([_project(view, edge_u), _project(view, edge_v), _project(view, origin)], axis=-1)


def inverse(matrices: np.ndarray) -> np.ndarray:
    """Inverses of float64 [S, 3, 3] by cofactors; planes seen edge-on give huge or infinite entries."""
    a, b, c = matrices[:, 0], matrices[:, 1], matrices[:, 2]

    def cross(p, q):
        return np.stack(
            [
                p[:, 1] * q[:, 2] - p[:, 2] * q[:, 1],
                p[:, 2] * q[:, 0] - p[:, 0] * q[:, 2],
                p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0],
            ],
            axis=-1,
        )

    bc = cross(b, c)
    determinant = a[:, 0] * bc[:, 0] + a[:, 1] * bc[:, 1] + a[:, 2] * bc[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.stack([bc, cross(c, a), cross(a, b)], axis=-1) / determinant[:, None, None]


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Matrix products of float64 [S, 3, 3], written out so that no library decides the order of the sums."""
    with np.errstate(invalid="ignore"):
        return (
            left[:, :, 0, None] * right[:, None, 0, :]
            + left[:, :, 1, None] * right[:, None, 1, :]
            + left[:, :, 2, None] * right[:, None, 2, :]
        )
