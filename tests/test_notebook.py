"""What a notebook shows of label maps and of a pipeline's output."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import seg2vid_tf
from seg2vid_tf.annotations.label_map import colorize, write_label_map
from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.drawn_label_map import drawn_label_map
from seg2vid_tf.output import MOST_SHOWN, Seg2VidOutput


def _pictures(shown):
    """The pictures inside HTML, as Pillow opens them."""
    found = re.findall(r"data:image/(?:png|gif);base64,([^']+)'", shown._repr_html_())
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def _street():
    return drawn_label_map(load_spec("cityscapes"), (64, 128), 3)


def test_a_label_map_is_shown_in_its_classes_colours_with_a_legend(tmp_path):
    spec, ids = load_spec("cityscapes"), _street()
    write_label_map(tmp_path / "label.png", ids)
    for given in (ids, ids.astype(np.int64), tmp_path / "label.png"):
        shown = seg2vid_tf.show(given, "cityscapes")
        (picture,) = _pictures(shown)
        np.testing.assert_array_equal(np.asarray(picture), colorize(ids, spec))
        share = f"road {np.mean(ids == 0):.1%}"
        assert share in shown._repr_html_() and share in repr(shown)
        assert "train" not in repr(shown) and "taken for" not in repr(shown)


@pytest.mark.parametrize("label_set", ["", "labelIds"])
def test_without_a_spec_the_likeliest_is_taken_and_said(label_set):
    spec, ids = load_spec("cityscapes"), _street()
    numbers = ids
    if label_set:
        back = {ours: theirs for theirs, ours in reversed(spec.label_sets[label_set].items()) if theirs >= 0}
        numbers = np.vectorize(back.get)(ids)
    shown = seg2vid_tf.show(numbers)
    assert f"taken for {label_set or 'cityscapes'} by where its ids lie" in repr(shown)
    np.testing.assert_array_equal(np.asarray(_pictures(shown)[0]), colorize(ids, spec))


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), r"label_map: a label map is \[height, width\], received shape \[4, 4, 3\]"),
        (np.full((4, 4), 300), "from 300 to 300, expected class ids"),
        (np.full((4, 4), 0.5), "float64 from 0.5 to 0.5, expected class ids"),
    ],
)
def test_what_is_no_label_map_is_refused(label_map, message):
    with pytest.raises(ValueError, match=message):
        seg2vid_tf.show(label_map)


def test_ids_that_the_spec_does_not_know_are_refused():
    with pytest.raises(ValueError, match="ids .77. are not in spec 'cityscapes'"):
        seg2vid_tf.show(np.full((4, 4), 77), "cityscapes")


def _output(videos):
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (videos, 3, 8, 16, 3), np.uint8)
    flow = rng.normal(size=(videos, 2, 8, 16, 2)).astype(np.float32)
    visibility = np.zeros((videos, 2, 8, 16, 1), np.float32)
    visibility[:, 0, :4] = visibility[:, 1, :2] = 1.0
    return Seg2VidOutput(frames, flow, flow, visibility, visibility, np.zeros((videos, 3, 8, 16), np.uint8), 2)


def test_an_output_shows_its_videos_looping():
    out = _output(2)
    first, second = _pictures(out)
    for picture in (first, second):
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (3, (16, 8), 0)
    assert first.tobytes() != second.tobytes()


def test_flow_and_visibility_are_shown_when_asked_for():
    video, flow, visibility = _pictures(_output(1).show(flow=True))
    assert video.n_frames == flow.n_frames == visibility.n_frames == 3
    visibility.seek(1)
    seen = np.asarray(visibility.convert("L"))
    assert seen[:4].min() > 250 and seen[4:].max() < 5
    flow.seek(0)
    assert np.asarray(flow.convert("L")).min() > 250, "nothing has moved in frame 0"


def test_an_output_is_one_short_line_as_text_and_few_videos_as_html():
    out = _output(MOST_SHOWN + 2)
    assert len(repr(out)) < 200 and "10 x (1 + 2) frames of 8 x 16" in repr(out) and "\n" not in repr(out)
    assert len(_pictures(out)) == MOST_SHOWN and "and 2 more" in out._repr_html_()
