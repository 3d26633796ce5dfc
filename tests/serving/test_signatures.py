"""The served functions, run from the export through TensorFlow's graph optimiser: meaning, seeds, refusals."""

import struct

import numpy as np
import pytest
import tensorflow as tf

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.export_folder import encoder_folder
from seg2vid_tf.models.seg2vid import Seg2Vid
from seg2vid_tf.ops.image import to_float, to_uint8
from seg2vid_tf.serving.motion_file import decode_motion
from seg2vid_tf.serving.signatures import MAX_CHUNK, describe, signatures
from seg2vid_tf.serving.verify import PythonLoader, example_inputs, verify
from seg2vid_tf.traced_video import TracedVideo

INVALID = tf.errors.InvalidArgumentError


def _pixels(frames_bytes):
    """PNG strings [B,T+1] -> uint8 [B,T+1,H,W,3]."""
    return np.stack([[tf.io.decode_png(png).numpy() for png in row] for row in frames_bytes])


def test_the_optimised_graph_equals_the_model_in_memory(expected, videos, encodings, saved_model):
    assert all(np.isfinite(v).all() for _, o in expected.values() for v in o.values() if v.dtype == np.float32)
    verify(videos, PythonLoader(saved_model), "tiny")
    verify(encodings, PythonLoader(encoder_folder(saved_model)), "tiny's encoder")


def test_shapes_ranges_and_frame_0(served, examples):
    inputs = examples["animate_tensor"]
    out = served("animate_tensor", **inputs)
    assert out["frames"].shape == (2, 3, 32, 64, 3)
    assert out["flow"].shape == out["flow_backward"].shape == (2, 2, 32, 64, 2)
    np.testing.assert_array_equal(out["frames"][:, 0], inputs["start_frame"])
    assert np.abs(out["flow"]).max() > 1, "the fixture moves"
    for name in ("visibility", "visibility_backward"):
        assert out[name].shape == (2, 2, 32, 64, 1)
        assert 0 <= out[name].min() <= out[name].max() <= 1


def test_the_motion_of_a_clip_is_a_distribution(served, examples):
    encoded = served("encode_motion", **examples["encode_motion"])
    assert encoded["z_mean"].shape == encoded["z_stddev"].shape == (2, 10) and encoded["z_stddev"].min() > 0
    assert np.abs(encoded["z_mean"][0] - encoded["z_mean"][1]).max() > 1e-3, "each clip has its own"


def test_label_maps_begin_with_the_one_given(served, examples):
    label_maps = served("animate_tensor", **examples["animate_tensor"])["label_maps"]
    assert label_maps.shape == (2, 3, 32, 64) and label_maps.dtype == np.uint8
    np.testing.assert_array_equal(label_maps[:, 0], examples["animate_tensor"]["label_map"])


def test_a_seed_stands_for_what_draw_gives(seg2vid, served, examples):
    inputs = examples["serving_default"]
    style, z = (value.numpy() for value in seg2vid.draw(tf.constant(inputs["seed"])))
    label_map = np.stack([tf.io.decode_png(png).numpy()[..., 0] for png in inputs["label_map_png"]])
    expected = served("from_tensor", label_map=label_map, style=style, z=z, seed=inputs["seed"])["frames"]
    np.testing.assert_allclose(
        _pixels(served("serving_default", **inputs)["frames_bytes"]).astype(int), expected, atol=1
    )


def test_a_row_depends_on_its_own_label_map_and_seed_alone(served, examples):
    png = examples["serving_default"]["label_map_png"]

    def frames(*rows):
        pngs, seeds = zip(*rows, strict=True)
        out = served("serving_default", label_map_png=np.array(pngs, object), seed=np.array(seeds, np.int64))
        return _pixels(out["frames_bytes"]).astype(int)

    def assert_same(actual, expected):
        np.testing.assert_allclose(actual, expected, atol=1)

    a, b, c = (png[0], 5), (png[1], 2**62), (png[1], -1)
    together = frames(a, b)
    assert_same(together[:1], frames(a))
    assert_same(together[1:], frames(b))
    assert_same(frames(a, c)[0], together[0])  # another neighbour
    assert_same(frames(c, b, a)[2], together[0])  # another place
    assert np.abs(together[1] - frames(c)[0]).max() > 1, "another seed"


def test_files_animated_and_continued_are_the_pipelines_longer_video(pipe, served, examples):
    """From the last frame and label map of each chunk and the motions, as a client without a pipeline goes on."""
    frame, png = examples["animate"]["start_frame_jpeg"][1], examples["animate"]["label_map_png"][0]
    label_map, start = tf.io.decode_png(png).numpy()[..., 0], tf.io.decode_png(frame).numpy()
    expected = pipe(label_map, seed=8, start_frame=start, num_frames=6, z_walk=0.5)
    seed, video, frames = np.array([8], np.int64), TracedVideo(start[None], label_map[None]), [start]
    untraced = [start]
    for chunk in (0, 1, 2):
        last = {"start_frame_jpeg": np.array([frame], object), "label_map_png": np.array([png], object)}
        chunks, walks = np.array([chunk], np.int64), np.array([0.5], np.float32)
        out = served("continue", **last, seed=seed, chunk=chunks, walk=walks)
        flows, visibilities = zip(*map(decode_motion, out["motion_bytes"][0]), strict=True)
        label_maps = tf.io.decode_png(out["label_map_bytes"][0]).numpy()[None, None, ..., 0]
        given = _pixels(out["frames_bytes"])
        shown, label_maps = video.add(np.stack(flows)[None], np.stack(visibilities)[None], given, label_maps)
        frames, untraced = [*frames, *shown[0]], [*untraced, *given[0]]
        frame = tf.io.encode_png(shown[0, -1]).numpy()
        png = tf.io.encode_png(label_maps[0, -1][..., None]).numpy()
    # Flow to a 64th of a pixel, in noise: a few pixels, beside an edge of the motion, have another source.
    off, far = (np.abs(np.stack(each).astype(int) - expected.frames[0]).mean() for each in (frames, untraced))
    assert off < 1.5 and far > 2 * off, (off, far)
    # A class is taken from the nearest pixel, and within a 64th of halfway, along two axes, two are as near.
    assert np.mean(label_maps[0, -1] != expected.label_maps[0, -1]) < 0.15


def test_chunk_0_is_what_animate_makes(served, examples):
    inputs = examples["animate"]
    first = served("continue", **inputs, chunk=np.array([0, 0], np.int64), walk=np.array([0.0, 1.0], np.float32))
    out = served("animate", **inputs)
    np.testing.assert_allclose(_pixels(first["frames_bytes"]).astype(int), _pixels(out["frames_bytes"])[:, 1:], atol=1)
    assert (first["label_map_bytes"] == out["label_map_bytes"]).all()


def test_how_far_a_video_goes_on_is_checked(served, examples):
    inputs = examples["continue"]
    for name, value, message in (
        ("chunk", -1, f"chunk must lie in 0..{MAX_CHUNK}"),
        ("chunk", MAX_CHUNK + 1, f"chunk must lie in 0..{MAX_CHUNK}"),
        ("walk", 1.5, "walk must lie in 0..1"),
    ):
        bad = inputs[name].copy()
        bad[1] = value
        with pytest.raises(INVALID, match=message):
            served("continue", **{**inputs, name: bad})


def test_pictures_that_are_none_or_too_large_are_refused(served, examples):
    inputs = examples["animate"]
    jpeg, png = inputs["start_frame_jpeg"]
    for data, message in (
        (b"", "neither a JPEG nor a PNG file"),
        (b"GIF89a" + bytes(40), "neither a JPEG nor a PNG file"),
        (
            png[:16] + struct.pack(">II", 12000, 12000) + png[24:],
            r"expected height x width 32x64, received:(.|\n)*12000",
        ),
        (
            tf.io.encode_jpeg(np.zeros((8, 64, 3), np.uint8)).numpy(),
            r"expected height x width 32x64, received:(.|\n)*8",
        ),
        (jpeg[: len(jpeg) // 2], ""),
        (png[:-20], ""),
    ):
        with pytest.raises(INVALID, match=f"start_frame_jpeg(.|\n)*{message}"):
            served("animate", **{**inputs, "start_frame_jpeg": np.array([jpeg, data], object)})


def test_from_tensors_seed_is_that_of_the_start_frames_noise_alone(served, examples):
    inputs = examples["from_tensor"]
    out, other = served("from_tensor", **inputs), served("from_tensor", **{**inputs, "seed": inputs["seed"] + [0, 1]})
    np.testing.assert_allclose(out["frames"][0].astype(int), other["frames"][0], atol=1)
    assert np.abs(out["frames"][1, 0].astype(int) - other["frames"][1, 0]).max() > 1


def test_an_encoded_style_is_what_from_tensor_takes(seg2vid, served, examples):
    style = served("encode_style", **examples["encode_style"])["style"]
    inputs = examples["from_tensor"]
    assert style.shape == inputs["style"].shape and style.dtype == np.float32
    assert np.abs(style[0] - style[1]).max() > 1e-3
    out = served("from_tensor", **{**inputs, "style": style})["frames"]
    frames = to_float(examples["encode_style"]["reference"])
    expected = seg2vid.generate(**{**inputs, "style": seg2vid.start_frame_model.encode_style(frames)})["start_frame"]
    np.testing.assert_allclose(out[:, 0].astype(int), to_uint8(expected).numpy(), atol=1)


@pytest.mark.parametrize(
    "signature,first",
    [("serving_default", "label_map_png"), ("animate_tensor", "start_frame"), ("encode_style", "reference")],
)
def test_an_empty_batch_is_refused(served, examples, signature, first):
    with pytest.raises(INVALID, match=f"{first}: the batch is empty"):
        served(signature, **{name: value[:0] for name, value in examples[signature].items()})


@pytest.fixture(scope="module")
def bad_pngs(examples, encode_png):
    """{what is wrong: (bytes, part of the message)}."""
    good = examples["serving_default"]["label_map_png"][0]
    ids = tf.io.decode_png(good).numpy()[..., 0]
    unknown = ids.copy()
    unknown[3, 4] = 77
    return {
        "rgb": (encode_png(np.repeat(ids[..., None], 3, -1)), "8-bit grey PNG"),
        "palette": (encode_png(ids, "P"), "8-bit grey PNG"),
        "16-bit": (encode_png(ids.astype(np.uint16)), "8-bit grey PNG"),
        "jpeg": (encode_png(ids, image_format="JPEG"), "not a PNG file"),
        "truncated": (good[:-40], "truncated PNG"),
        "empty": (b"", "not a PNG file"),
        "wrong size": (encode_png(ids[:, :60]), "expected height x width 32x64"),
        "bomb": (good[:16] + struct.pack(">II", 12000, 12000) + good[24:], "12000"),
        "unknown id": (encode_png(unknown), "77"),
    }


KINDS = ["rgb", "palette", "16-bit", "jpeg", "truncated", "empty", "wrong size", "bomb", "unknown id"]


@pytest.mark.parametrize("kind", KINDS)
def test_bad_files_are_refused_by_name(served, examples, bad_pngs, kind):
    good = examples["serving_default"]["label_map_png"][0]
    data, message = bad_pngs[kind]
    with pytest.raises(INVALID, match=f"label_map_png(.|\n)*{message}"):
        served("serving_default", label_map_png=np.array([good, data], object), seed=np.zeros(2, np.int64))


@pytest.mark.parametrize("signature", ["from_tensor", "animate_tensor", "encode_motion"])
def test_unknown_ids_are_refused(served, examples, signature):
    inputs = dict(examples[signature])
    inputs["label_map"] = inputs["label_map"].copy()
    inputs["label_map"][1, 0, 0] = 9
    with pytest.raises(INVALID, match=r"label_map: id outside spec synthetic_street \(0..8, 255 = ignored\)(.|\n)*9"):
        served(signature, **inputs)


@pytest.mark.parametrize(
    "signature,name,value",
    [
        ("from_tensor", "style", np.nan),
        ("from_tensor", "z", np.inf),
        ("animate_tensor", "z", np.nan),
        ("continue", "walk", np.nan),
    ],
)
def test_numbers_that_are_not_finite_are_refused(served, examples, signature, name, value):
    inputs = dict(examples[signature])
    inputs[name] = inputs[name].copy()
    inputs[name][1, ...] = value
    with pytest.raises(INVALID, match=f"{name} holds NaN or infinity"):
        served(signature, **inputs)


@pytest.mark.parametrize(
    "signature,name,first",
    [
        ("serving_default", "seed", "label_map_png"),
        ("from_tensor", "style", "label_map"),
        ("from_tensor", "z", "label_map"),
        ("from_tensor", "seed", "label_map"),
        ("animate_tensor", "z", "start_frame"),
        ("animate_tensor", "label_map", "start_frame"),
        ("animate", "seed", "start_frame_jpeg"),
        ("continue", "chunk", "start_frame_jpeg"),
        ("encode_motion", "label_map", "frames"),
    ],
)
@pytest.mark.parametrize("rows", [1, 3])
def test_batches_of_different_sizes_are_refused(served, examples, signature, name, first, rows):
    inputs = dict(examples[signature])
    inputs[name] = np.concatenate([inputs[name]] * 2)[:rows]
    with pytest.raises(INVALID, match=f"{name} and {first} must have the same batch size"):
        served(signature, **inputs)


@pytest.mark.parametrize("signature", ["continue", "animate_tensor"])
def test_limbs_are_served_in_pictures_of_known_size(limb_motion, signature):
    model = Seg2Vid(None, limb_motion, load_spec("weizmann_pose"), (32, 64))
    function, inputs = signatures(model)[signature]
    outputs = tf.function(function).get_concrete_function(*inputs).structured_outputs
    shapes = {name: output.shape.as_list() for name, output in outputs.items()}
    if signature == "continue":
        assert shapes == {"frames_bytes": [None, 2], "motion_bytes": [None, 2], "label_map_bytes": [None]}
    else:
        assert shapes["frames"] == [None, 3, 32, 64, 3] and shapes["visibility"] == [None, 2, 32, 64, 1]


def test_description_says_what_a_caller_needs(seg2vid, spec):
    assert describe(seg2vid) == {
        "spec": spec.to_json(),
        "size": [32, 64],
        "stages": ["start_frame", "motion"],
        "num_frames": 2,
        "style_dim": 4,
        "latent_dim": 10,
        "background_latent": 6,
        "temperature": 0.5,
        "smoothness": 2.0,
        "noise_version": 2,
        "instance_boundary": False,
        "encoder": ["encode_motion", "encode_style"],
    }


# A model that was trained with instance boundaries.


@pytest.fixture(scope="module")
def with_instances(seg2vid_with_instances, saved_model_with_instances):
    """(examples, served) of the tiny model that reads instance maps."""
    loaded = tf.saved_model.load(str(saved_model_with_instances))

    def run(signature, **inputs):
        outputs = loaded.signatures[signature](**{name: tf.constant(value) for name, value in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return example_inputs(seg2vid_with_instances), run


def test_instances_reach_the_start_frame_through_both_signatures(seg2vid_with_instances, with_instances):
    assert describe(seg2vid_with_instances)["instance_boundary"] is True
    examples, run = with_instances
    for signature in ("serving_default", "from_tensor"):
        inputs = examples[signature]
        assert inputs["instance_map"].dtype == np.int32
        outputs = [
            run(signature, **{**inputs, "instance_map": instance_map})
            for instance_map in (
                inputs["instance_map"],
                inputs["instance_map"] * 7,
                np.zeros_like(inputs["instance_map"]),
            )
        ]
        frames = [_pixels(o["frames_bytes"]) if "frames_bytes" in o else o["frames"] for o in outputs]
        renamed, without = (np.abs(f[:, 0].astype(int) - frames[0][:, 0]) for f in frames[1:])
        assert renamed.max() == 0 and without.max() > 1


def test_instances_of_another_batch_size_are_refused(with_instances):
    examples, run = with_instances
    for signature, first in (("serving_default", "label_map_png"), ("from_tensor", "label_map")):
        inputs = examples[signature]
        with pytest.raises(INVALID, match=f"instance_map and {first} must have the same batch size"):
            run(signature, **{**inputs, "instance_map": inputs["instance_map"][:1]})
