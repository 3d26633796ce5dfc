"""Which versions of which models are served: folders polled, a new version loaded before an old one goes.

As in TensorFlow Serving: a model's folder holds versions, sub-directories named by integers; its policy (the newest, by
default) says which are wanted; a wanted version that cannot be loaded is tried again some times, and an old one stays
until a wanted one serves. Labels name versions.
"""

import contextlib
import dataclasses
import itertools
import logging
import pathlib
import threading
import time
from collections.abc import Iterator

from tensorflow_serving.config import model_server_config_pb2

from seg2vid_tf.export_folder import version_folders
from seg2vid_tf.serving.local_server.configs import BatchingParameters, check_models
from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.local_server.servable import Servable
from seg2vid_tf.serving.status import StatusError

_LOG = logging.getLogger(__name__)
_RETRIES, _RETRY_SECONDS = 5, 60.0
_CLOSING_SECONDS = 30.0


@dataclasses.dataclass
class VersionState:
    """What became of a version: LOADING, AVAILABLE, UNLOADING or, unloaded or given up, END; error is why it failed."""

    state: str
    error: str = ""
    servable: Servable | None = None
    tries: int = 0
    tried: float = 0.0


class Models:
    """All models of a server; a thread of its own polls their folders until it is closed.

    Args:
      config: names, folders, policies and labels (configs.read_models).
      batching: how requests of each version are put together, or None.
      poll_seconds: how often folders are looked at.
      most_rows: of a request where ``batching`` is None.
    """

    def __init__(
        self,
        config: model_server_config_pb2.ModelServerConfig,
        batching: BatchingParameters | None = None,
        poll_seconds: float = 1.0,
        most_rows: int = Limits.rows,
    ):
        check_models(config, "models config")
        self._batching, self._poll_seconds, self._most_rows = batching, poll_seconds, most_rows
        # What callers may name later: where a model may come from is the first config's to say.
        self._roots = [pathlib.Path(model.base_path).resolve() for model in config.model_config_list.config]
        self._lock, self._polling = threading.Lock(), threading.Lock()
        self._configs = {model.name: model for model in config.model_config_list.config}
        self._states: dict[str, dict[int, VersionState]] = {name: {} for name in self._configs}
        self._away: set[str] = set()
        self._retiring: set[threading.Thread] = set()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._poll_on, name="versions", daemon=True)

    def start(self) -> None:
        """Looks at the folders once, which loads what is there, and goes on doing so."""
        self.poll()
        self._thread.start()

    def close(self) -> None:
        """Unloads everything; who still uses a version after a while is not waited for."""
        self._closed.set()
        self._thread.join()
        with self._polling:
            for name in list(self._states):
                for version, state in list(self._states[name].items()):
                    if state.state not in ("UNLOADING", "END"):
                        self._unload(name, version)
        end = time.monotonic() + _CLOSING_SECONDS
        for thread in list(self._retiring):
            thread.join(max(0.0, end - time.monotonic()))

    @contextlib.contextmanager
    def use(self, name: str, version: int | None = None, label: str = "") -> Iterator[Servable]:
        """A loaded version, which stays loaded inside the with statement.

        Args:
          name: the model's.
          version: its number; None: the newest that is loaded, or the one that ``label`` names.
          label: of models.config.

        Raises:
          StatusError: no such model, version or label.
        """
        with self._lock:
            servable = self._find(name, version, label)
            servable.__enter__()
        try:
            yield servable
        finally:
            servable.__exit__()

    def status(self, name: str, version: int | None = None, label: str = "") -> dict[int, VersionState]:
        """{version: what became of it}, the newest first.

        Raises:
          StatusError: no such model, version or label.
        """
        with self._lock:
            if name not in self._states:
                raise StatusError("NOT_FOUND", f"Could not find any versions of model {name}")
            if label:
                version = self._labelled(name, label)
            states = {v: self._states[name][v] for v in sorted(self._states[name], reverse=True)}
            if version is None and states:
                return states
            if version not in states:
                what = f"any versions of model {name}" if version is None else f"version {version} of model {name}"
                raise StatusError("NOT_FOUND", f"Could not find {what}")
            return {version: states[version]}

    def reload(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """Takes another config in the place of the one there is, and loads and unloads what that asks for.

        Raises:
          StatusError: a config that makes no sense, or a label that moves to a version that is not loaded; the old one
            stays.
        """
        try:
            check_models(config, "models config")
        except ValueError as error:
            raise StatusError("INVALID_ARGUMENT", str(error)) from error
        configs = {model.name: model for model in config.model_config_list.config}
        with self._polling:
            with self._lock:
                for name, model in configs.items():
                    loaded = {v for v, s in self._states.get(name, {}).items() if s.state == "AVAILABLE"}
                    labels = self._configs[name].version_labels if name in self._configs else {}
                    for label, version in model.version_labels.items():
                        if version not in loaded and labels.get(label, version) != version:
                            message = f"label {label} of {name}: version {version} is not loaded, {sorted(loaded)} are"
                            raise StatusError("FAILED_PRECONDITION", message)
                self._configs = configs
                for name in configs:
                    self._states.setdefault(name, {})
            self._look()

    def reload_for_caller(self, config: model_server_config_pb2.ModelServerConfig) -> None:
        """``reload`` for whoever reaches the server: a SavedModel is a program, so none comes from another folder.

        Raises:
          StatusError: as of ``reload``; PERMISSION_DENIED for a base path that is not, links followed, one of those
            that the server was started with or below one.
        """
        for model in config.model_config_list.config:
            path = pathlib.Path(model.base_path).resolve()
            if not any(path.is_relative_to(root) for root in self._roots):
                known = ", ".join(map(str, self._roots))
                raise StatusError("PERMISSION_DENIED", f"base_path {model.base_path} of {model.name} is not in {known}")
        self.reload(config)

    def poll(self) -> None:
        """Looks at the folders once."""
        with self._polling:
            self._look()

    def _poll_on(self):
        while not self._closed.wait(self._poll_seconds):
            self.poll()

    def _look(self):
        for name in list(self._states):
            config = self._configs.get(name)
            try:
                self._look_at(name, config)
            except Exception:  # whatever is wrong with one model, the others go on
                _LOG.exception("model %s: its folder cannot be read; it is tried again at the next poll", name)
            if config is None:
                with self._lock:
                    if all(state.state == "END" for state in self._states[name].values()):
                        del self._states[name]

    def _look_at(self, name, config):
        folder = None if config is None else pathlib.Path(config.base_path)
        if folder is not None and not folder.is_dir():
            if name not in self._away:  # once, and not at every poll
                _LOG.warning("model %s: no folder %s; the versions that are loaded stay", name, folder)
            self._away.add(name)
            return
        self._away.discard(name)
        wanted = {} if folder is None else _wanted(config.model_version_policy, folder)
        for version in wanted:
            self._load(name, version, wanted[version])
        loaded = {v for v, s in self._states[name].items() if s.state == "AVAILABLE"}
        # Nothing is taken away before something that is wanted serves in its place.
        if not wanted or loaded & set(wanted):
            gone = ("UNLOADING", "END")
            for version in [v for v, s in self._states[name].items() if s.state not in gone and v not in wanted]:
                self._unload(name, version)

    def _find(self, name, version, label):
        if version is None and label:
            version = self._labelled(name, label)
        loaded = {v: s.servable for v, s in self._states.get(name, {}).items() if s.state == "AVAILABLE"}
        if version is None and loaded:
            version = max(loaded)
        if version not in loaded:
            request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise StatusError("NOT_FOUND", f"Servable not found for request: {request}")
        return loaded[version]

    def _labelled(self, name, label):
        labels = self._configs[name].version_labels if name in self._configs else {}
        if label not in labels:
            raise StatusError("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
        return labels[label]

    def _load(self, name, version, folder):
        with self._lock:
            state = self._states[name].setdefault(version, VersionState("LOADING"))
            due = state.tries == 0 or (state.tries <= _RETRIES and time.monotonic() - state.tried >= _RETRY_SECONDS)
            if state.state in ("AVAILABLE", "UNLOADING") or not due:
                return
            state.state, state.tries, state.tried = "LOADING", state.tries + 1, time.monotonic()
        try:
            servable = Servable(folder, version, self._batching, self._most_rows)
        except Exception as error:  # whatever is wrong with a version, the others go on
            message = f"{type(error).__name__}: {error}"
            _LOG.error("%s cannot be loaded (try %d of %d): %s", folder, state.tries, _RETRIES + 1, message)
            with self._lock:
                state.state, state.error = "END" if state.tries > _RETRIES else "LOADING", message
            return
        _LOG.info("%s is loaded", folder)
        with self._lock:
            state.state, state.error, state.servable = "AVAILABLE", "", servable

    def _unload(self, name, version):
        """Takes a version away at once and frees it, in a thread of its own, when its last request is answered."""
        with self._lock:
            state = self._states[name][version]
            state.state, servable, state.servable = "UNLOADING", state.servable, None

        def retire():
            if servable is not None:
                servable.retire(_CLOSING_SECONDS if self._closed.is_set() else None)
                _LOG.info("%s: version %d is unloaded", name, version)
            with self._lock:
                state.state, state.error, state.tries = "END", "", 0
            self._retiring.discard(threading.current_thread())

        thread = threading.Thread(target=retire, name=f"unload_{name}_{version}", daemon=True)
        self._retiring.add(thread)
        thread.start()


def _wanted(policy, folder):
    """{version: its folder} that a policy asks for, of those in a model's folder; newest first."""
    found = dict(reversed(version_folders(folder).items()))
    if policy.HasField("all"):
        return found
    if policy.HasField("specific"):
        return {version: path for version, path in found.items() if version in policy.specific.versions}
    return dict(itertools.islice(found.items(), policy.latest.num_versions or 1))
