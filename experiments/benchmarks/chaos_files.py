"""The part of chaos.py that damages files: one flipped bit, or cut short; each is read by those that read it in use."""

import dataclasses
import functools
import pathlib
import shutil
import tempfile
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of files.

    Attributes:
      name: what they are called in the report.
      folder: what is copied for each try.
      patterns: the files in it that are damaged.
      answer: copy -> what its reader gives, or ValueError that names the file.
    """

    name: str
    folder: pathlib.Path
    patterns: tuple[str, ...]
    answer: Callable[[pathlib.Path], object]


def damage(report, base, count):
    """Part damage: every kind of files in turn, each a random file of it and a random bit or length."""
    kinds = _kinds(base)
    expected = functools.cache(lambda number: _undamaged(kinds[number]))
    for number in range(count):
        kind = kinds[number % len(kinds)]
        attempt = functools.partial(_tried, kind, expected(number % len(kinds)))
        report.tried("damage", f"{kind.name} {number}", attempt)


def _undamaged(kind):
    """What the reader gives of a copy that is whole: one that refuses everything shows nothing."""
    with tempfile.TemporaryDirectory(prefix="chaos_") as folder:
        return kind.answer(pathlib.Path(shutil.copytree(kind.folder, pathlib.Path(folder) / kind.folder.name)))


def _tried(kind, expected, rng):
    with tempfile.TemporaryDirectory(prefix="chaos_") as folder:
        copy = pathlib.Path(shutil.copytree(kind.folder, pathlib.Path(folder) / kind.folder.name))
        files = sorted({path for pattern in kind.patterns for path in copy.glob(pattern)})
        files = [path for path in files if path.is_file() and path.stat().st_size]
        file = files[rng.integers(len(files))]
        done = damaged(file, rng)
        said = f"{file.relative_to(copy)} {done}"
        try:
            answer = kind.answer(copy)
        except ValueError as error:
            named = file.name in str(error) or str(file.with_suffix("")) in str(error) or str(file.parent) in str(error)
            said += f": refused{'' if named else f', BUT NOT BY NAME: {error!r}'}"
            return {"wrong": int(not named), "said": said}
        except Exception as error:  # what it should not raise is what is looked for
            return {"wrong": 1, "said": f"{said}: {type(error).__name__}: {error}"}
        same = same_answers(answer, expected)
        return {"wrong": int(not same), "said": f"{said}: {'answered as before' if same else 'ANSWERED OTHERWISE'}"}


def damaged(file, rng):
    """Flips one bit of a file, or cuts it short; says which."""
    content = bytearray(file.read_bytes())
    if rng.random() < 0.5:
        place = int(rng.integers(8 * len(content)))
        content[place // 8] ^= 1 << place % 8
        done = f"bit {place} flipped"
    else:
        length = int(rng.integers(len(content)))
        content, done = content[:length], f"cut to {length} of {len(content)} bytes"
    file.write_bytes(content)
    return done


def same_answers(one, other):
    """Whether two nests of dicts, lists and arrays hold the same bits."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_answers(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same_answers, one, other))
    if isinstance(one, np.ndarray):
        equal_nan = one.dtype.kind == "f"
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=equal_nan)
    return one == other or (one != one and other != other)


def _kinds(base):
    """Those that there is something of."""
    kinds = [
        *(
            Kind(f"{stage} run", base / stage, ("config.json", _newest(base / stage)), _Run(stage, base))
            for stage in ("start_frame", "motion")
        ),
        Kind("prepared split", base / "validation", ("manifest.json", "*.tfrecord"), _split),
        Kind("unfinished split", _unfinished(base), ("shard-*",), _remade),
        Kind("export", base / "model", ("**/*",), _answers),
        Kind("evaluation", base / "evaluation", ("*.json", "*.npz", "clips/*"), _evaluation),
    ]
    return [kind for kind in kinds if kind.folder.exists()]


def _newest(run):
    from seg2vid_tf.run_folder import RunFolder

    return f"checkpoints/ckpt-{RunFolder(run).newest_step()}.*"


class _Run:
    """Restores one stage's networks, which are built once, as who uses a run does."""

    def __init__(self, stage, base):
        self._stage, self._base, self._networks = stage, base, None

    def __call__(self, folder):
        from seg2vid_tf.compat import raw_variables
        from seg2vid_tf.models.restore import seg2vid_from_run
        from seg2vid_tf.run_folder import RunFolder

        if self._networks is None:
            model = seg2vid_from_run(self._base, (self._stage,))
            self._networks = (
                {"motion": model.motion}
                if self._stage == "motion"
                else {"generator_average": model.generator, "style_encoder_average": model.style_encoder}
            )
        run = RunFolder(folder)
        config = run.load(self._stage)
        for network in self._networks.values():
            for variable in raw_variables(network):
                variable.assign(0 * variable)
        step = run.restore(self._networks, newest_only=True)
        return list(config), step, [v.numpy() for n in self._networks.values() for v in raw_variables(n)]


def _split(folder):
    from seg2vid_tf.data.shards import check_shards, read_clips

    return check_shards(folder), [vars(clip) for clip in read_clips(folder)]


_REMADE = {"split": "train", "clips_per_shard": 1}


def _source():
    from seg2vid_tf.data.synthetic_street import SyntheticStreet

    return SyntheticStreet(range(2), 2, 32, 64)


def _unfinished(base):
    """A split whose preparing was stopped after both of its shards."""
    from seg2vid_tf.data.shard_writer import ShardWriter

    folder = base.parent / "damage"
    writer = ShardWriter(_source(), folder, **_REMADE)
    if not writer.unfinished.exists():
        with writer.workplace():
            for index in range(writer.num_shards):
                writer.write(index)
    return writer.unfinished


def _remade(folder):
    """What goes on with an unfinished split makes of it."""
    from seg2vid_tf.data.shard_writer import write_shards

    manifest = write_shards(_source(), folder.parent, **_REMADE)
    return manifest, _split(folder.parent / "train")


def _answers(folder):
    """Every signature's answers, encoder included, by the pipeline."""
    from seg2vid_tf.pipeline import Seg2VidPipeline

    pipe = Seg2VidPipeline.from_saved_model(folder)
    label_map = np.zeros(pipe.size, np.uint8)
    label_map[pipe.size[0] // 2 :] = 1
    made = pipe(label_map, seed=7)
    mean, stddev = pipe.encode_motion(made.frames[0], label_map)
    return made.frames, made.flow, made.visibility, mean, stddev, pipe.spec, pipe.temperature


def _evaluation(folder):
    from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder

    read = EvaluationFolder(folder)
    kept = read.train_data(lambda: (None, []))
    return read.identity(), read.metrics(), list(read.clips()), list(kept)
