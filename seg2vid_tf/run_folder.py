"""RunFolder: where one training run lives.

<run>/config.json      {"stage", "spec", "data", "config"}: all that rebuilds the networks; "noise_version"
<run>/checkpoints/     ckpt-<step>.index, ckpt-<step>.data-...; .ckpt-<step>.tmp/ while one is written
<run>/logs/            TensorBoard
<run>/samples/         step-<step>.png

One process at a time writes into it (files.held_folder); where several train together, it is the first of them.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import time
import warnings
from collections.abc import Iterator

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.config import (
    NOISE_VERSION,
    RESUMABLE_FIELDS,
    MotionConfig,
    RunWarning,
    StartFrameConfig,
    differences,
    from_json,
    to_json,
    with_defaults,
)
from seg2vid_tf.files import held_folder, read_document, sha256_of, write_document

CONFIG_CLASSES = {"start_frame": StartFrameConfig, "motion": MotionConfig}
KEPT_CHECKPOINTS = 3
# A file system over the network may show a file that another machine has just written this late, in seconds.
SEEN_WITHIN = 60.0


class RunFolder:
    """One run's files.

    Args:
      path: the folder; it need not exist.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.logs = self.path / "logs"
        self.samples = self.path / "samples"
        self._config_path = self.path / "config.json"
        self._held = False

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """This folder for this process alone during the block, in which further blocks hold it already.

        Raises:
          ValueError: another process writes into it.
        """
        if self._held:
            yield
            return
        with held_folder(self.path):
            self._held = True
            try:
                yield
            finally:
                self._held = False

    def start(self, stage: str, config, spec: AnnotationSpec, data: str, resume: bool) -> None:
        """Claims the folder for a run, or checks that it holds this very run.

        Args:
          stage: "start_frame" or "motion".
          config: the stage's.
          spec: the annotation's.
          data: fingerprint of what the run learns from; a resumed run must find the same.
          resume: whether a run that is already there goes on.

        Raises:
          ValueError: the folder holds a run and ``resume`` is False, or a run of another stage, spec, config or data,
            or one that is past the config's steps, or checkpoints of which nobody knows what they are; or another
            process holds the folder.
        """
        document = {**_identity(stage, config, spec, data), "noise_version": NOISE_VERSION}
        noise = self._refuse(document, config.training.steps, resume)
        if noise != NOISE_VERSION:
            warnings.warn(
                f"{self.path} goes on with noise of another kind (noise_version {noise} -> {NOISE_VERSION}): "
                "the result will be as good, but not bit for bit that of a run that was never stopped",
                RunWarning,
                stacklevel=2,
            )
        with self.held():
            write_document(self._config_path, document)

    def join(self, stage: str, config, spec: AnnotationSpec, data: str) -> None:
        """Checks that another process has claimed the folder, by ``start``, for the very run of these arguments.

        Raises:
          ValueError: this process does not see the folder, or the two have not the same.
        """
        expected = json.loads(json.dumps(_identity(stage, config, spec, data)))
        end = time.monotonic() + SEEN_WITHIN
        while True:
            found = self._document() if self._config_path.exists() else None
            changed = found and differences({name: found.get(name) for name in expected}, expected)
            if found and not changed:
                return
            if time.monotonic() > end:
                break
            time.sleep(0.2)  # a poll: no file system tells when it shows what another machine wrote
        if not found:
            raise ValueError(
                f"{self.path} is not where the chief writes, there is no config.json in it: give all workers one "
                "--run_dir on a disk that they share"
            )
        raise ValueError(
            f"{self.path} holds the chief's run, which differs in {'; '.join(changed)} (the chief's -> what was given "
            "here): give all workers the same flags and data"
        )

    def check(self, stage: str, config, resume: bool) -> None:
        """What ``start`` refuses of stage and config alone, before the data is read and TensorFlow loaded.

        Raises:
          ValueError: as of ``start``.
        """
        self._refuse({"stage": stage, "config": to_json(config)}, config.training.steps, resume)

    def _refuse(self, document, steps, resume):
        """Raises ValueError where the folder holds another run than the document's; the noise_version of this one."""
        newest = self.newest_step()
        if newest > steps:
            raise ValueError(f"{self.path} has taken {newest} steps already: give --steps of at least that")
        if newest and not self._config_path.exists():
            raise ValueError(
                f"{self.path} holds checkpoints but no config.json, which says of what: bring it back, or give "
                "another --run_dir"
            )
        if not self._config_path.exists():
            return NOISE_VERSION
        if not resume:
            raise ValueError(f"{self.path} already holds a run: go on with --resume, or give another --run_dir")
        before = self._document()
        compared = set(document) - {"noise_version"}
        old, new = ({name: each.get(name) for name in compared} for each in (before, json.loads(json.dumps(document))))
        changed = [
            line
            for line in differences(old, new)
            if line.split(":")[0].removeprefix("config.training.") not in RESUMABLE_FIELDS
        ]
        if changed:
            raise ValueError(
                f"{self.path} holds another run; it differs in {'; '.join(changed)} (the run's own -> what was given). "
                "Give the run's own flags, or another --run_dir"
            )
        return before.get("noise_version", 1)

    def load(self, stage: str) -> tuple:
        """(config, spec) of the run in this folder.

        Raises:
          ValueError: no run there, or one of another stage.
        """
        document = self._document()
        if document.get("stage") != stage:
            raise ValueError(
                f"{self.path} holds a {document.get('stage')!r} run, expected {stage!r}: give the other stage's folder"
            )
        try:
            return from_json(CONFIG_CLASSES[stage], document["config"]), AnnotationSpec.from_json(document["spec"])
        except (KeyError, ValueError) as error:
            raise ValueError(f"{self._config_path}: {error}") from error

    def save(self, objects: dict, step: int) -> None:
        """Writes checkpoint ``step`` and drops all but the newest few.

        Args:
          objects: {name: network, optimizer or tf.Module}. Their variables are stored by number: the object graph of
            Keras 3 leaves out every layer that sits in a list, without a word.
          step: optimizer steps taken.

        Raises:
          ValueError: another process holds the folder.
        """
        import tensorflow as tf  # not above: who reads a config needs none of it

        from seg2vid_tf.compat import raw_variables

        with self.held():
            # What a kill left of others. TensorFlow writes the index in place, and after the data: so not here.
            for unfinished in self.checkpoints.glob(".ckpt-*.tmp"):
                shutil.rmtree(unfinished)
            temporary = self._temporary(step)
            temporary.mkdir(parents=True)
            prefix = str(temporary / f"ckpt-{step}")
            try:
                tf.train.Checkpoint(**{name: raw_variables(owner) for name, owner in objects.items()}).write(prefix)
                # The index last: with it the checkpoint is there.
                for file in sorted(temporary.glob(f"ckpt-{step}.*"), key=lambda path: path.suffix == ".index"):
                    os.replace(file, self.checkpoints / file.name)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            for old in self._steps()[KEPT_CHECKPOINTS:]:
                for file in self.checkpoints.glob(f"ckpt-{old}.*"):
                    file.unlink()

    def newest_step(self) -> int:
        """Steps of the newest checkpoint, readable or not; 0 where there is none."""
        return max(self._steps(), default=0)

    def digest(self) -> str:
        """SHA-256 of the config and the newest checkpoint: two runs of one digest hold the same networks."""
        newest = sorted(self.checkpoints.glob(f"ckpt-{self.newest_step()}.*"))
        return hashlib.sha256(" ".join(sha256_of(p) for p in [self._config_path, *newest]).encode()).hexdigest()

    def names(self) -> set[str]:
        """The names under which the newest checkpoint holds objects; none where there is no checkpoint.

        Raises:
          ValueError: it cannot be read.
        """
        if not self.newest_step():
            return set()
        return {key.split("/")[0] for key in self.newest_checkpoint().get_variable_to_shape_map()}

    def newest_checkpoint(self):
        """TensorFlow's reader of the newest checkpoint.

        Raises:
          ValueError: there is none, or it cannot be read.
        """
        import tensorflow as tf

        newest = self.newest_step()
        if not newest:
            raise ValueError(f"{self.path} has no checkpoint yet: train it first")
        prefix = self._prefix(newest)
        try:
            return tf.train.load_checkpoint(prefix)
        except tf.errors.OpError as error:
            raise ValueError(
                f"{prefix} cannot be read, bring back a good copy: {str(error).splitlines()[0]}"
            ) from error

    def restore(self, objects: dict, newest_only: bool = False) -> int:
        """Restores the newest readable checkpoint into the objects, which may be some of those that were saved.

        TensorFlow's own latest_checkpoint answers None where the newest index is broken; a training that restarted at
        zero because of that would overwrite what is left. So: newest first, a loud warning for each one that cannot be
        read.

        Args:
          objects: {name: network, optimizer or tf.Module}.
          newest_only: fail where the newest cannot be read: who only uses a model must not get an older one unawares.

        Returns:
          The checkpoint's step, 0 where the run has none yet.

        Raises:
          ValueError: there are checkpoints and none (or not the newest one) can be read.
        """
        import tensorflow as tf

        steps = self._steps()[: 1 if newest_only else None]
        errors = []
        for step in steps:
            prefix = self._prefix(step)
            try:
                values = read_values([prefix], objects)
            except (tf.errors.OpError, IndexError, ValueError) as error:
                reason = str(error).splitlines()[0]
                errors.append(f"{prefix}: {reason}")
                if not newest_only:
                    warnings.warn(f"CHECKPOINT UNREADABLE, trying the one before it: {prefix}: {reason}", stacklevel=2)
                continue
            # Only now: a restore that breaks half-way would leave a mixture of two states.
            for variable, value in values:
                variable.assign(value)
            return step
        if errors:
            raise ValueError(
                f"{self.path} cannot be restored: {'; '.join(errors)}. "
                "Delete the broken files, or bring back a good copy"
            )
        return 0

    def _temporary(self, step):
        """Where a checkpoint is written."""
        return self.checkpoints / f".ckpt-{step}.tmp"

    def _prefix(self, step):
        """What the names of a checkpoint's files begin with."""
        return str(self.checkpoints / f"ckpt-{step}")

    def _steps(self):
        """Steps that have a checkpoint, newest first: by data files too, so that a lost index is noticed.

        One whose index still lies where it was written is none yet: it is being saved, or a kill came between.
        """
        names = {p.name.split(".")[0] for p in self.checkpoints.glob("ckpt-*.*") if ".tempstate" not in p.name}
        steps = [int(n.removeprefix("ckpt-")) for n in names if n.removeprefix("ckpt-").isdigit()]
        return sorted((s for s in steps if not (self._temporary(s) / f"ckpt-{s}.index").exists()), reverse=True)

    def _document(self):
        """What config.json holds; of fields that did not exist when it was written, the defaults."""
        try:
            document = read_document(self._config_path)
        except FileNotFoundError as error:
            raise ValueError(
                f"{self.path} holds no run: there is no config.json in it; name a folder that a training wrote"
            ) from error
        except ValueError as error:
            raise ValueError(f"{self._config_path} is damaged, bring back a good copy: {error}") from error
        if document.get("stage") in CONFIG_CLASSES and "config" in document:
            document["config"], lacked = with_defaults(CONFIG_CLASSES[document["stage"]], document["config"])
            if lacked:
                # From one line of code alone: Python says the same words of one line once.
                warnings.warn(
                    f"{self._config_path} was written before these settings existed; they get their defaults: "
                    f"{', '.join(lacked)}",
                    RunWarning,
                    stacklevel=1,
                )
        return document


def _identity(stage, config, spec, data):
    """The part of config.json that says which run it is."""
    return {"stage": stage, "spec": spec.to_json(), "data": data, "config": to_json(config)}


def variable_key(name: str, number: int) -> str:
    """Under which a checkpoint holds an object's variable."""
    return f"{name}/{number}/.ATTRIBUTES/VARIABLE_VALUE"


def read_values(prefixes: list[str], objects: dict) -> list[tuple]:
    """The values that checkpoints which store variables by number (``RunFolder.save``) hold of the objects'.

    Args:
      prefixes: of the checkpoints' files; what two of them hold is taken from the last.
      objects: {name: network, optimizer or tf.Module}.

    Returns:
      [(tf.Variable, its value, array of its shape and dtype)].

    Raises:
      ValueError: there are more or fewer variables than the objects have, or of other shapes.
      tf.errors.OpError: a file cannot be read.
    """
    import tensorflow as tf

    from seg2vid_tf.compat import raw_variables

    readers = {}
    for prefix in prefixes:
        reader = tf.train.load_checkpoint(prefix)
        readers |= dict.fromkeys(reader.get_variable_to_shape_map(), reader)
    pairs = []
    for name, owner in objects.items():
        variables = raw_variables(owner)
        found = sum(key.startswith(f"{name}/") for key in readers)
        if found != len(variables):
            raise ValueError(
                f"it holds {found} variables of {name}, which has {len(variables)} here: another version wrote it"
            )
        for i, variable in enumerate(variables):
            key = variable_key(name, i)
            value = readers[key].get_tensor(key)
            if np.shape(value) != tuple(variable.shape):
                raise ValueError(f"variable {i} of {name} is {np.shape(value)} in it, expected {tuple(variable.shape)}")
            pairs.append((variable, np.asarray(value, variable.dtype.as_numpy_dtype)))
    return pairs
