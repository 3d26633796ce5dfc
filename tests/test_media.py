"""Pictures and videos, read back by other means than they were written with."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from seg2vid_tf import media


def _moving_square(count=4, height=32, width=48):
    """A red square that moves right over blue: few colours, so that a GIF's palette holds them all."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[...] = (20, 40, 160)
    for t in range(count):
        frames[t, 8:20, 4 + 8 * t : 16 + 8 * t] = (200, 30, 30)
    return frames


def _read_gif(path):
    with Image.open(path) as image:
        frames = [(np.asarray(f.convert("RGB")), f.info["duration"]) for f in ImageSequence.Iterator(image)]
        loop = image.info.get("loop")
    pictures, durations = zip(*frames, strict=True)
    return np.stack(pictures), list(durations), loop


def _read_mp4(path):
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        rate, codec = stream.average_rate, stream.codec_context.name
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(stream)]), rate, codec


def test_gif_has_every_frame_its_rate_and_its_colours(tmp_path):
    frames = _moving_square()
    media.save_gif(frames, tmp_path / "v.gif", fps=8)
    pictures, durations, loop = _read_gif(tmp_path / "v.gif")
    assert durations == [120] * 4  # 100 / 8 = 12.5 hundredths, rounded to even
    assert loop == 0
    assert pictures.shape == frames.shape
    assert np.abs(pictures.astype(int) - frames).max() <= 8
    assert [p.name for p in tmp_path.iterdir()] == ["v.gif"]


def test_gif_of_many_colours_is_near_its_frames(tmp_path):
    ramp = np.linspace(0, 255, 64)
    frame = np.stack([*np.meshgrid(ramp, ramp), np.full((64, 64), 90.0)], -1)
    frames = np.stack([frame, frame[:, ::-1]]).astype(np.uint8)
    media.save_gif(frames, tmp_path / "v.gif", fps=100)
    pictures, durations, _ = _read_gif(tmp_path / "v.gif")
    assert durations == [10, 10]
    assert np.abs(pictures.astype(int) - frames).mean() < 10


def test_gif_of_one_frame(tmp_path):
    frames = _moving_square(1)
    media.save_gif(frames, tmp_path / "v.gif")
    with Image.open(tmp_path / "v.gif") as image:
        assert image.n_frames == 1 and image.size == (48, 32)
        np.testing.assert_allclose(np.asarray(image.convert("RGB")), frames[0], atol=8)


def test_gif_of_a_still_scene_plays_as_long_as_its_frames(tmp_path):
    frames = np.repeat(_moving_square(1), 5, axis=0)
    media.save_gif(frames, tmp_path / "v.gif", fps=10)
    _, durations, _ = _read_gif(tmp_path / "v.gif")
    assert sum(durations) == 500


def test_the_same_frames_are_the_same_mp4_wherever_they_lie_in_memory(tmp_path):
    """Unless x264 is asked for it, they are one of two files (findings/x264_memory_decides.sh)."""
    pytest.importorskip("av")
    rng = np.random.default_rng(0)
    frames = (np.cumsum(rng.integers(0, 256, (3, 32, 64, 3)), axis=0) // 3).astype(np.uint8)
    made = set()
    for _ in range(40):
        between = [bytearray(rng.integers(1_000, 200_000)) for _ in range(20)]
        media.save_mp4(frames, tmp_path / "v.mp4")
        made.add((tmp_path / "v.mp4").read_bytes())
        del between
    assert len(made) == 1


@pytest.mark.parametrize("save", [media.save_gif, media.save_mp4])
@pytest.mark.parametrize("fps", [0, -1, 101, 1e-3, float("nan"), float("inf")])
def test_impossible_rates_are_refused(tmp_path, save, fps):
    with pytest.raises(ValueError, match=f"fps must lie in 0.01..100, received {fps}"):
        save(_moving_square(), tmp_path / "v", fps)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fps", [8, 0.5, 12.5])
def test_mp4_has_every_frame_its_rate_and_its_colours(tmp_path, fps):
    frames = _moving_square()
    media.save_mp4(frames, tmp_path / "v.mp4", fps)
    pictures, rate, codec = _read_mp4(tmp_path / "v.mp4")
    assert codec == "h264" and float(rate) == fps
    assert pictures.shape == frames.shape
    # Colour is stored at half the resolution: only the edges of the square may be far off.
    assert np.abs(pictures.astype(int) - frames).mean() < 6
    np.testing.assert_allclose(pictures[:, 28:], frames[:, 28:], atol=12)
    assert [p.name for p in tmp_path.iterdir()] == ["v.mp4"]


@pytest.mark.parametrize("height,width", [(31, 48), (32, 47)])
def test_mp4_of_an_odd_size_is_refused(tmp_path, height, width):
    pytest.importorskip("av")
    with pytest.raises(ValueError, match=f"even height and width, received {height} x {width}"):
        media.save_mp4(_moving_square(2, height, width), tmp_path / "v.mp4")
    assert list(tmp_path.iterdir()) == []


def test_png_frames_are_exact(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), np.uint8)
    media.save_frames(frames, tmp_path / "new" / "folder")
    files = sorted((tmp_path / "new" / "folder").iterdir())
    assert [f.name for f in files] == ["0000.png", "0001.png", "0002.png"]
    for file, frame in zip(files, frames, strict=True):
        with Image.open(file) as image:
            np.testing.assert_array_equal(np.asarray(image), frame)


def test_a_failed_picture_leaves_the_old_one(tmp_path):
    media.save_png(np.zeros((2, 2, 3), np.uint8), tmp_path / "p.png")
    before = (tmp_path / "p.png").read_bytes()
    with pytest.raises(TypeError):
        media.save_png(np.zeros((2, 2, 3), complex), tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_contact_sheet_layout():
    red, green, blue = (np.full((2, 3, 3), color, np.uint8) for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    sheet = media.contact_sheet([[red, green], [blue]], gap=1)
    expected = np.full((5, 7, 3), 255, np.uint8)
    expected[0:2, 0:3], expected[0:2, 4:7], expected[3:5, 0:3] = red, green, blue
    np.testing.assert_array_equal(sheet, expected)


def test_flow_colours():
    # (dy, dx): right, down, left, up. The wheel: 15 steps to yellow, 6 to green, 4 to cyan, 11 to blue, 13 to magenta.
    flow = np.array([[0, 0], [0, 4], [4, 0], [0, -4], [-4, 0]], np.float32)
    white, right, down, left, up = media.flow_to_color(flow)
    assert white.tolist() == [255, 255, 255]
    assert right.tolist() == [255, 0, 0]
    assert down.tolist() == [255, 230, 0]  # position 13.5 of 55: 13.5 / 15 of the way from red to yellow
    assert left.tolist() == [0, 209, 255]  # position 27: 2 / 11 of the way from cyan to blue
    assert up.tolist() == [88, 0, 255]  # position 40.5: 4.5 / 13 of the way from blue to magenta


def test_flow_saturates_at_max_length():
    flow = np.array([[0, 1], [0, 2], [0, 50]], np.float32)
    assert media.flow_to_color(flow, max_length=2).tolist() == [[255, 128, 128], [255, 0, 0], [255, 0, 0]]
    # By default the longest vector is: half of it is half as saturated, whatever the unit.
    np.testing.assert_array_equal(media.flow_to_color(flow[:2]), media.flow_to_color(100 * flow[:2]))


def test_flow_colours_of_any_shape():
    assert media.flow_to_color(np.zeros((2, 3, 4, 5, 2), np.float32)).tolist() == np.full((2, 3, 4, 5, 3), 255).tolist()
    assert media.flow_to_color(np.zeros((0, 2), np.float32)).shape == (0, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_flow_that_is_not_finite_is_refused(value):
    flow = np.zeros((2, 3, 2), np.float32)
    flow[1, 2, 0] = value
    with pytest.raises(ValueError, match="flow: 1 of 6 vectors are NaN or infinite"):
        media.flow_to_color(flow)


def test_only_stale_frames_are_removed(tmp_path):
    frames = np.zeros((3, 4, 4, 3), np.uint8)
    for video in ("00", "01", "02", "03", "04", "notes", "2024x"):
        media.save_frames(frames, tmp_path / video)
    (tmp_path / "03/mine.txt").write_text("kept")
    (tmp_path / "04/0007.png").mkdir()
    (tmp_path / "05").mkdir()
    (tmp_path / "06.png").write_text("kept")
    (tmp_path / "07").symlink_to(tmp_path / "01")
    media.remove_stale_frames(tmp_path, num_videos=1, num_frames=2)
    names = ["03", "04", "05", "06.png", "07", "2024x", "notes"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["00", *names]
    assert sorted(p.name for p in (tmp_path / "00").iterdir()) == ["0000.png", "0001.png"]
    for video, count in {"03": 4, "04": 4, "2024x": 3, "notes": 3}.items():
        assert len(list((tmp_path / video).iterdir())) == count
    media.remove_stale_frames(tmp_path / "absent", 1, 2)
