"""synthetic_street against hand-computed geometry: worlds of one or two surfaces, a camera with one kind of motion."""

import math

import numpy as np
import pytest

from seg2vid_tf.data.synthetic_street import camera, objects
from seg2vid_tf.data.synthetic_street.camera import CameraPath
from seg2vid_tf.data.synthetic_street.render import render_scene
from seg2vid_tf.data.synthetic_street.street import build_scene
from seg2vid_tf.data.synthetic_street.textures import band, noise, pulses
from seg2vid_tf.data.synthetic_street.world import BUILDING, CAR, ROAD, SKY, WALL, Surface, assemble

HEIGHT, WIDTH = 64, 128
FOCAL, CENTER_Y, CENTER_X = 0.85 * WIDTH, 0.5 * HEIGHT - 0.5, WIDTH / 2 - 0.5
STYLE = build_scene(1, 1.0).style
STANDING = CameraPath(0.0, 0.0, 0.0, 0.0, 0.1, 0.0, 0.5)


def clip_of(path, surfaces=(), times=(0.0, 0.5), shadows=()):
    scene = assemble(path, STYLE, list(surfaces), list(shadows))
    return render_scene("test", scene, np.array(times), HEIGHT, WIDTH, True)


def test_sky_under_pure_yaw():
    """A direction at angle a from the axis is at tan(a); turning by b to the right moves it to a - b."""
    path = CameraPath(0.0, 0.0, 0.0, 0.05, 0.1, 0.75, 0.5)  # wave(0.75 + 0.25) = 0: looks ahead at t = 0
    clip = clip_of(path)
    cos, sin = path.heading(0.5)
    yaw = math.atan2(sin, cos)
    assert yaw != 0 and path.heading(0.0) == (1.0, 0.0)
    for y, x in ((0, 20), (10, 64), (20, 110)):
        assert clip.label_maps[1, y, x] == SKY
        angle = math.atan((x - CENTER_X) / FOCAL)
        x0 = CENTER_X + FOCAL * math.tan(angle + yaw)
        y0 = CENTER_Y + (y - CENTER_Y) * math.cos(angle) / math.cos(angle + yaw)
        np.testing.assert_allclose(clip.flow[0, y, x], [y - y0, x - x0], atol=2e-5)


def test_ground_under_pure_forward_motion():
    """The ground in row y is at depth 1.5 f / (y - horizon); 2 m earlier it was 2 m farther."""
    clip = clip_of(CameraPath(0.0, 4.0, 0.0, 0.0, 0.1, 0.0, 0.5))
    for y, x in ((40, 10), (50, 64), (63, 127)):
        assert clip.label_maps[1, y, x] != SKY
        depth = 1.5 * FOCAL / (y - CENTER_Y)
        y0 = CENTER_Y + 1.5 * FOCAL / (depth + 2)
        x0 = CENTER_X + (x - CENTER_X) * depth / (depth + 2)
        np.testing.assert_allclose(clip.flow[0, y, x], [y - y0, x - x0], atol=2e-5)
        assert clip.visibility[0, y, x, 0] == 1
    # The bottom row leaves the picture, and at 1.94 m it is behind a camera that drives 2 m: no flow but a bounded one.
    assert not clip.visibility_backward[0, 63].any()
    assert np.abs(clip.flow_backward).max() <= 4 * (HEIGHT + WIDTH)


def test_wall_seen_head_on():
    """A wall 10 m ahead: 8 m x 3 m are 87 x 33 pixels; 2 m nearer all is 10/8 as far from the centre."""
    wall = Surface((-4, 0, 10), (8, 0, 0), (0, 3, 0), BUILDING, normal=(0, 0, -1), material=WALL)
    clip = clip_of(CameraPath(0.0, 4.0, 0.0, 0.0, 0.1, 0.0, 0.5), [wall])
    is_wall = clip.label_maps[0] == BUILDING
    left, right = CENTER_X - FOCAL * 4 / 10, CENTER_X + FOCAL * 4 / 10
    top, bottom = CENTER_Y - FOCAL * 1.5 / 10, CENTER_Y + FOCAL * 1.5 / 10
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[math.ceil(top) : math.floor(bottom) + 1, math.ceil(left) : math.floor(right) + 1] = True
    np.testing.assert_array_equal(is_wall, expected)
    y, x = 25, 40
    np.testing.assert_allclose(clip.flow_backward[0, y, x], [(y - CENTER_Y) * 0.25, (x - CENTER_X) * 0.25], atol=2e-5)


def test_wall_seen_from_behind_is_not_there():
    wall = Surface((-4, 0, 10), (8, 0, 0), (0, 3, 0), BUILDING, normal=(0, 0, 1), material=WALL)
    assert not (clip_of(STANDING, [wall]).label_maps == BUILDING).any()


def test_standing_camera_moves_only_what_moves():
    """A car 7.8 m ahead drives off at 3 m/s; after 0.5 s its rear has shrunk to 7.8 / 9.3."""
    car = objects.car(0.0, 10.0, 1, 0, (0.6, 0.1, 0.1), 1, velocity=(0.0, 3.0))
    clip = clip_of(STANDING, car)
    is_car = clip.instance_maps == 1
    np.testing.assert_array_equal(is_car, clip.label_maps == CAR)
    assert is_car[0].sum() > is_car[1].sum() > 100
    assert not clip.flow[0][~is_car[1]].any() and not clip.flow_backward[0][~is_car[0]].any()
    y, x = 41, 60
    growth = 9.3 / 7.8 - 1
    assert is_car[1, y, x]
    np.testing.assert_allclose(clip.flow[0, y, x], [-(y - CENTER_Y) * growth, -(x - CENTER_X) * growth], atol=2e-5)
    # What the car uncovered has no correspondence; all else that stands still is seen in both.
    still = ~is_car[0] & ~is_car[1]
    assert not clip.visibility[0][is_car[0] & ~is_car[1]].any()
    assert clip.visibility[0][still].all() and clip.visibility_backward[0][still].all()


def test_walker_stops_at_the_end_of_his_way():
    walker = objects.person(-1.0, 8.0, 1.8, 0, (0.8, 0.2, 0.2), (0.2, 0.2, 0.4), 5, (2.0, 0.0), (0.0, 1.5))
    clip = clip_of(STANDING, walker, times=(0.0, 0.5, 1.0, 2.0))
    # Below the hip the swinging legs move the centre; the trunk alone is above the horizon minus 0.1 m.
    middles = [np.mean(np.nonzero(clip.instance_maps[t, :30] == 5)[1]) for t in range(4)]
    pixels_per_metre = FOCAL / 8
    np.testing.assert_allclose(np.diff(middles), [pixels_per_metre, pixels_per_metre / 2, 0], atol=0.5)


def test_legs_swing_rigidly():
    walker = objects.person(0.0, 4.0, 1.8, 0, (0.8, 0.2, 0.2), (0.2, 0.2, 0.4), 5, (0.0, 1e-9), phase=0.0)
    still = clip_of(STANDING, walker)
    leg = (still.instance_maps[1] == 5) & (np.arange(HEIGHT) > 55)[:, None]
    trunk = (still.instance_maps[1] == 5) & (np.arange(HEIGHT) < 45)[:, None]
    assert leg.any() and np.abs(still.flow[0][leg]).max() > 0.3
    assert trunk.any() and np.abs(still.flow[0][trunk]).max() < 1e-3


def test_road_is_where_it_should_be():
    clip = clip_of(STANDING)
    y = 60
    half = STYLE.road_half * (y - CENTER_Y) / 1.5
    expected = np.abs(np.arange(WIDTH) - CENTER_X) < half
    np.testing.assert_array_equal(clip.label_maps[0, y] == ROAD, expected)


def test_inverse_and_wave():
    rng = np.random.Generator(np.random.PCG64(1))
    matrices = rng.random((20, 3, 3)) + np.eye(3)
    np.testing.assert_allclose(camera.inverse(matrices), np.linalg.inv(matrices), rtol=1e-9)
    np.testing.assert_allclose(
        camera.product(matrices, camera.inverse(matrices)), np.tile(np.eye(3), (20, 1, 1)), atol=1e-9
    )
    assert [camera.wave(p) for p in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx([0, 1, 0, -1, 0])


def test_pulses_and_bands_are_box_filtered():
    t = np.array([0.1, 0.25, 0.5, 1.1], np.float32)
    np.testing.assert_allclose(pulses(t, 0.25, np.full(4, 0.01, np.float32)), [1, 0.5, 0, 1], atol=1e-3)
    # A pixel as wide as whole periods sees the mean.
    np.testing.assert_allclose(pulses(t, 0.25, np.full(4, 3, np.float32)), 0.25, atol=1e-5)
    x = np.array([0.0, 1.0, 2.0], np.float32)
    np.testing.assert_allclose(band(x, 0.0, 1.0, np.full(3, 0.5, np.float32)), [0.5, 0.5, 0], atol=1e-6)


def test_noise_fades_with_the_footprint_and_repeats():
    u, v = (a.ravel().astype(np.float32) for a in np.mgrid[:64, :64])
    spreads = [noise(u, v, np.full_like(u, f)).std() for f in (0.5, 4, 32, 512)]
    assert spreads[0] > 0.25 and spreads == sorted(spreads, reverse=True) and spreads[-1] < 0.01
    np.testing.assert_array_equal(noise(u, v, np.float32(0.5)), noise(u + 256, v - 256, np.float32(0.5)))
