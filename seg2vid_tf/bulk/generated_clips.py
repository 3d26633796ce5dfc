"""GeneratedClips: the videos that a model makes of many label maps and seeds, as a ClipSource like any other.

Clip "city/a_seed7" is the video of input "city/a" and seed 7. What is in a batch follows from the clips that are asked
for alone, and TensorFlow gets the settings of the process that began the job, because both change how floats are
summed: so on CPUs of one kind a clip has the same bits whoever makes it.
"""

import dataclasses
import errno
import hashlib
import os
import pathlib
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from seg2vid_tf.annotations.doubts import set_doubt
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.bulk.map_sources import BulkMap, MapSource
from seg2vid_tf.bulk.tensorflow_settings import TensorFlowSettings
from seg2vid_tf.data.clip import Clip
from seg2vid_tf.data.clip_source import ClipSource
from seg2vid_tf.export_folder import read_description, saved_models
from seg2vid_tf.files import sha256_of
from seg2vid_tf.flags import ONEDNN, is_input_error
from seg2vid_tf.pipeline import Seg2VidPipeline, check_length, check_temperature

# What opening a file ends with where the file is to blame, and not the disk or the network that it lies on.
_FILE_TO_BLAME = (None, errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP)
_lock, _pipelines = threading.Lock(), {}


class GeneratedClips(ClipSource):
    """One video for each input and seed.

    Args:
      maps: the inputs, at the model's size and in its classes.
      model: the version folder of an export of both stages.
      seeds: of each input's videos.
      num_frames, z_walk, temperature: as of Seg2VidPipeline.__call__.
      batch_size: videos that are made at once.
      threads: of TensorFlow in a process that makes clips; None: as many as it takes by itself.

    Raises:
      ValueError: an argument out of range, the same seed twice, or a model without stage 1.
    """

    def __init__(
        self,
        maps: MapSource,
        model: pathlib.Path,
        seeds: Sequence[int],
        *,
        num_frames: int | None = None,
        z_walk: float = 0.0,
        temperature: float | None = None,
        batch_size: int = 8,
        threads: int | None = 1,
    ):
        if not seeds or len(set(seeds)) < len(seeds) or any(not -(2**63) <= seed < 2**63 for seed in seeds):
            raise ValueError(f"seeds must be different integers of 64 bits, at least one, received {list(seeds)[:10]}")
        if batch_size < 1 or (threads is not None and threads < 1):
            raise ValueError(f"batch_size and threads must be at least 1, received {batch_size} and {threads}")
        check_length(num_frames, z_walk)
        check_temperature(temperature)
        description = read_description(model)
        if not saved_models(model):
            raise ValueError(f"{model} holds no SavedModel, which bulk jobs run: give the export that it was made of")
        missing = {"start_frame", "motion"} - set(description["stages"])
        if missing:
            raise ValueError(f"{model} has no {' and no '.join(sorted(missing))}: a video of a label map needs both")
        self.spec = AnnotationSpec.from_json(description["spec"])
        self._maps, self._model, self._batch_size = maps, model.absolute(), batch_size
        self._tensorflow = TensorFlowSettings(threads, os.environ.get(ONEDNN, ""))
        self._length = (num_frames or description["num_frames"]) + 1
        self._options = {"num_frames": num_frames, "z_walk": z_walk, "temperature": temperature}
        self._made_of = {f"{name}_seed{seed}": (name, int(seed)) for name in maps.names for seed in seeds}
        self.clip_ids = tuple(self._made_of)
        self.model = f"{self._model.parent.name}/{self._model.name}"
        self.settings = {
            "reader": "generated",
            "model": self.model,
            "model_sha256": sha256_of(saved_models(model)[0]),
            **self._options,
            "seeds": list(map(int, seeds)),
            "batch_size": batch_size,
            **dataclasses.asdict(self._tensorflow),
            "inputs": len(maps.names),
            "inputs_sha256": hashlib.sha256("\n".join(maps.names).encode()).hexdigest(),  # of their names
            **maps.settings,
        }

    def read(self, clip_id: str) -> Clip:
        ((_, clip),) = self.read_each([clip_id])
        if isinstance(clip, Exception):
            raise clip
        return clip

    def read_each(self, clip_ids: Sequence[str]) -> Iterator[tuple[str, Clip | ValueError | OSError]]:
        self._tensorflow.apply()  # before a split's records are read, by TensorFlow
        batch, name, given = [], None, None
        for clip_id in clip_ids:
            if self._made_of[clip_id][0] != name:
                name = self._made_of[clip_id][0]
                given = self._input(name)
            if isinstance(given, Exception):
                yield clip_id, given
                continue
            batch.append((clip_id, given))
            if len(batch) == self._batch_size:
                yield from self._made(batch)
                batch = []
        if batch:
            yield from self._made(batch)

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return self._maps.files(self._made_of[clip_id][0])

    def recording(self, clip_id: str) -> str:
        return self._made_of[clip_id][0]

    def length(self, clip_id: str) -> int:
        return self._length

    def _input(self, name: str) -> BulkMap | ValueError | OSError:
        """The input, or why it is refused.

        Raises:
          ValueError: a disk fails: that is no refusal, and who tries once more may have it.
        """
        try:
            given = self._maps.read(name)
        except OSError as error:
            if error.errno not in _FILE_TO_BLAME:
                raise ValueError(
                    f"{name} cannot be read now ({error}); what was made is kept: start again when its disk answers"
                ) from error
            return error
        except ValueError as error:
            if not is_input_error(error):
                raise
            return error
        if (given.label_map == self.spec.ignore_id).all():
            return ValueError(f"{name}: every pixel is ignored: what label set are its ids of (--label_ids)?")
        return given

    def _made(self, batch: list[tuple[str, BulkMap]]) -> Iterator[tuple[str, Clip]]:
        pipe = _pipeline(self._model)
        output = pipe.batch(
            np.stack([given.label_map for _, given in batch]),
            [self._made_of[clip_id][1] for clip_id, _ in batch],
            np.stack([given.instance_map for _, given in batch]) if pipe.uses_instances else None,
            **self._options,
        )
        if not (np.isfinite(output.flow).all() and np.isfinite(output.visibility).all()):
            raise ValueError(
                f"{self._model} gives NaN or infinity for {[clip_id for clip_id, _ in batch]}: is it broken?"
            )
        for row, (clip_id, given) in enumerate(batch):
            name, seed = self._made_of[clip_id]
            part = (row, slice(None), *given.content)
            doubt = set_doubt(given.label_map, self.spec)
            made_from = {"input": name, "input_sha256": given.sha256, "seed": seed, "model": self.model}
            clip = Clip(clip_id, output.frames[part], output.label_maps[part])
            yield clip_id, dataclasses.replace(clip, remarks=(doubt,) if doubt else (), made_from=made_from)


def _pipeline(model: pathlib.Path):
    """The model's pipeline, loaded once in a process, whichever of its threads asks first."""
    with _lock:
        if model not in _pipelines:
            _pipelines[model] = Seg2VidPipeline.from_saved_model(model)
        return _pipelines[model]
