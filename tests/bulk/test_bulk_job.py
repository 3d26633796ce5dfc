"""Bulk jobs: the videos are the pipeline's, the bytes whoever's worker made them, and no two jobs are mixed."""

import dataclasses
import errno
import json
import pathlib

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import write_label_map
from seg2vid_tf.bulk import generated_clips
from seg2vid_tf.bulk.bulk_job import JOB, run_job
from seg2vid_tf.bulk.generated_clips import GeneratedClips
from seg2vid_tf.bulk.map_sources import BulkMap, FolderMaps, MapSource
from seg2vid_tf.bulk.video_writer import VideoWriter
from seg2vid_tf.data.check import check_split
from seg2vid_tf.data.shard_writer import ShardWriter
from seg2vid_tf.data.shards import check_shards, read_clips
from seg2vid_tf.files import read_document, sha256_of
from seg2vid_tf.pipeline import Seg2VidPipeline
from tests.conftest import NUM_FRAMES, SIZE
from tests.stacks import on_second_stack

pytestmark = on_second_stack

pytest.importorskip("apache_beam", reason="needs the extra beam")
NAMES = ("a/one", "a/two", "broken", "empty", "three")


@pytest.fixture
def folder(tmp_path):
    """Three label maps and two files that are none."""
    rng = np.random.default_rng(0)
    for name in ("a/one", "a/two", "three"):
        ids = np.zeros(SIZE, np.uint8)
        ids[: rng.integers(10, 20)], ids[20:28, 20:34] = 6, 8
        write_label_map(tmp_path / f"maps/{name}.png", ids)
    (tmp_path / "maps/broken.png").write_bytes(b"no picture")
    write_label_map(tmp_path / "maps/empty.png", np.full(SIZE, 255, np.uint8))
    return tmp_path / "maps"


@pytest.fixture
def source(folder, spec, saved_model):
    def make(**options):
        # Threads are the whole test process's.
        given = {"batch_size": 2, "threads": None, **options}
        return GeneratedClips(FolderMaps(folder, spec, SIZE), saved_model, given.pop("seeds", [0, 5]), **given)

    return make


def _png(source, out, **options):
    return VideoWriter(source, out, "made", max_bad_clips=len(source), clips_per_shard=3, video_format="png", **options)


def _files(folder):
    return {str(path.relative_to(folder)): sha256_of(path) for path in folder.rglob("*") if path.is_file()}


def test_videos_are_the_pipelines(pipe, folder, source, tmp_path, capsys):
    manifest = run_job(_png(source(), tmp_path))
    assert [clip["clip_id"] for clip in manifest["clips"]] == [
        *("a/one_seed0", "a/one_seed5", "a/two_seed0", "a/two_seed5", "three_seed0", "three_seed5")
    ]
    assert "6/10 clips, 4 refused" in capsys.readouterr().err
    for clip in manifest["clips"]:
        expected = pipe(folder / f"{clip['input']}.png", seed=clip["seed"])
        for frame in range(NUM_FRAMES + 1):
            made = Image.open(tmp_path / f"made/{clip['file']}/{frame:04d}.png")
            np.testing.assert_allclose(np.asarray(made, int), expected.frames[0, frame].astype(int), atol=1)
        assert clip["sha256"] == sha256_of(tmp_path / "made" / clip["file"])
        assert clip["input_sha256"] == sha256_of(folder / f"{clip['input']}.png")
        assert clip["model"] == "tiny/1"
    refused = {bad["clip_id"]: bad["error"] for bad in manifest["bad_clips"]}
    assert sorted(refused) == ["broken_seed0", "broken_seed5", "empty_seed0", "empty_seed5"]
    assert "broken.png: not a PNG" in refused["broken_seed0"]
    assert "every pixel is ignored" in refused["empty_seed5"]
    assert read_document(tmp_path / "made/manifest.json") == json.loads(json.dumps(manifest))


def test_a_split_of_made_clips_is_one_to_train_on(source, tmp_path):
    made = source(seeds=[1])
    manifest = run_job(ShardWriter(made, tmp_path, "train", clips_per_shard=2, max_bad_clips=len(made)))
    assert check_shards(tmp_path / "train") == manifest
    clips = list(read_clips(tmp_path / "train"))
    assert [clip.clip_id for clip in clips] == ["a/one_seed1", "a/two_seed1", "three_seed1"]
    assert check_split(tmp_path / "train")["errors"] == []
    told = [clip for shard in manifest["shards"] for clip in shard["clips"]]
    assert [clip["seed"] for clip in told] == [1, 1, 1] and told[0]["recording"] == told[0]["input"] == "a/one"


def test_bytes_are_the_same_in_whatever_order_and_however_often(source, tmp_path):
    """A runner may repeat a piece, and do any of them anywhere; here without one, last piece first and some twice."""
    run_job(_png(source(), tmp_path / "beam"))
    writer = _png(source(), tmp_path / "own")
    with writer.workplace():
        for index in (3, 2, 0, 2, 1):
            writer.write(index)
        (writer.unfinished / "shard-00000.json").unlink()  # what a kill behind the files and before the note leaves
        writer.write(0)
        writer.finish(writer.entries())
    first, second = (_files(tmp_path / name / "made") for name in ("beam", "own"))
    first.pop("manifest.json"), second.pop("manifest.json")  # the job's has what the job was
    assert first == second and len(first) == 6 * (NUM_FRAMES + 1)


def test_a_stopped_job_goes_on_and_no_other_is_mixed_with_it(source, folder, tmp_path, monkeypatch):
    made, write = [], VideoWriter._stored

    def stopping(self, ids, name, each):
        made.append(name)
        if len(made) == 3:
            raise KeyboardInterrupt
        return write(self, ids, name, each)

    monkeypatch.setattr(VideoWriter, "_stored", stopping)
    with pytest.raises(KeyboardInterrupt):
        run_job(_png(source(), tmp_path))
    unfinished = tmp_path / ".made.unfinished"
    assert (unfinished / JOB).is_file() and not (tmp_path / "made").exists()
    with pytest.raises(ValueError, match=r"holds another job; it differs in source.seeds: \[0, 5\] -> \[0, 6\]\. Give"):
        run_job(_png(source(seeds=[0, 6]), tmp_path))
    with pytest.raises(ValueError, match="it differs in options: "):
        run_job(dataclasses.replace(_png(source(), tmp_path), fps=4.0))
    kept = set(made[:2])
    made.clear()
    monkeypatch.setattr(VideoWriter, "_stored", lambda *given: made.append(given[2]) or write(*given))
    run_job(_png(source(), tmp_path))
    assert set(made) == {f"shard-{index:05d}" for index in range(4)} - kept
    monkeypatch.undo()
    run_job(_png(source(), tmp_path / "at_once"))
    assert _files(tmp_path / "made") == _files(tmp_path / "at_once/made")
    # It is finished: the same job finds it so, another does not touch it.
    assert run_job(_png(source(), tmp_path))["num_clips"] == 6
    with pytest.raises(ValueError, match="made holds another job"):
        run_job(_png(source(batch_size=3), tmp_path))
    (tmp_path / "theirs/made").mkdir(parents=True)
    (tmp_path / "theirs/made/notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="already there"):
        run_job(_png(source(), tmp_path / "theirs"))


def test_where_all_is_refused_nothing_is_made_and_right_flags_may_follow(source, folder, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(FolderMaps, "read", lambda self, name: self.refuse())
        patch.setattr(FolderMaps, "refuse", _refuse, raising=False)
        with pytest.raises(ValueError, match="no clips to write; all 10 are bad, the first: not these"):
            run_job(_png(source(), tmp_path))
    assert run_job(_png(source(seeds=[1]), tmp_path))["num_clips"] == 3


def _refuse(self):
    # Where the package would raise it: what others raise is a fault, no refusal.
    code = compile("raise ValueError('not these')", "map_sources.py", "exec")
    exec(code, {"__name__": "seg2vid_tf.bulk.map_sources"})


def test_what_a_disk_fails_to_do_is_no_refusal(source, tmp_path, monkeypatch):
    def failing(self, name):
        raise OSError(errno.EIO, "Input/output error", "x.png")

    monkeypatch.setattr(FolderMaps, "read", failing)
    with pytest.raises(ValueError, match="cannot be read now .*Input/output error"):
        run_job(_png(source(), tmp_path))
    assert not (tmp_path / "made").exists()


def test_a_mended_input_is_made_anew(source, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(ShardWriter, "finish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run_job(_png(source(), tmp_path))
    monkeypatch.undo()
    (folder / "broken.png").write_bytes((folder / "three.png").read_bytes())
    manifest = run_job(_png(source(), tmp_path))
    assert manifest["num_clips"] == 8 and {bad["clip_id"][:5] for bad in manifest["bad_clips"]} == {"empty"}


def test_a_model_loads_once_in_a_process(source, monkeypatch):
    generated_clips._pipelines.clear()
    loaded, load = [], Seg2VidPipeline.from_saved_model
    monkeypatch.setattr(Seg2VidPipeline, "from_saved_model", lambda path: loaded.append(path) or load(path))
    made = source()
    first, second = made.read("a/one_seed0"), made.read("a/one_seed0")
    np.testing.assert_array_equal(first.frames, second.frames)
    assert len(loaded) == 1


class _OneMap(MapSource):
    """One input, given."""

    names, settings = ("it",), {}

    def __init__(self, label_map, instance_map):
        self._given = BulkMap(label_map, instance_map, "", (slice(0, 16), slice(0, 32)))

    def read(self, name):
        return self._given


def test_instances_reach_the_model(saved_model_with_instances):
    ids = np.zeros((16, 32), np.uint8)
    numbers = np.repeat(np.arange(32)[None] // 8, 16, axis=0).astype(np.uint16)
    made = [
        GeneratedClips(_OneMap(ids, given), saved_model_with_instances, [2], threads=None).read("it_seed2")
        for given in (numbers, np.zeros_like(numbers))
    ]
    assert made[0].frames.shape == (2, 16, 32, 3)
    assert (made[0].frames != made[1].frames).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": []}, "seeds must be different integers"),
        ({"seeds": [1, 1]}, "seeds must be different integers"),
        ({"batch_size": 0}, "batch_size and threads must be at least 1"),
        ({"num_frames": 0}, "num_frames must be at least 1"),
        ({"z_walk": 1.5}, "z_walk must lie in 0..1"),
        ({"temperature": float("nan")}, "temperature must be finite"),
    ],
)
def test_arguments_out_of_range_are_refused(source, options, message):
    with pytest.raises(ValueError, match=message):
        source(**options)


def test_clips_that_cannot_be_files_are_refused(source, tmp_path):
    made = source()
    made.clip_ids = ("../../outside",)
    with pytest.raises(ValueError, match="a file cannot be named so below the output"):
        _png(made, tmp_path)
    assert pathlib.Path(tmp_path, "made").exists() is False
