"""Evaluation of a model on a prepared split: clips in, EvaluationFolder out.

    pipe = Seg2VidPipeline.from_saved_model("saved_models/synthetic_street")
    metrics = Evaluator(pipe, "saved_models/synthetic_street", "data/street/validation", Protocol()).run("out/street")

What was measured of each clip is kept as it comes; metrics.json, report.html and the TensorBoard entry are made of that
at the end, so a stopped evaluation goes on where it was.
"""

import dataclasses
import hashlib
import importlib.metadata
import os
import pathlib
import platform
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

import seg2vid_tf
from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.data.clip_record import MOTION
from seg2vid_tf.data.overlap import shared_frames
from seg2vid_tf.data.pipeline import make_dataset
from seg2vid_tf.data.shards import check_shards, manifest_spec, recordings, sources
from seg2vid_tf.evaluation.baselines import MeanFlow
from seg2vid_tf.evaluation.clip_scores import ClipScores, RealClip
from seg2vid_tf.evaluation.evaluation_folder import EvaluationFolder, config_hash
from seg2vid_tf.evaluation.external_flow import require_opencv
from seg2vid_tf.evaluation.feature_extractor import FeatureExtractor
from seg2vid_tf.evaluation.lpips import load_lpips
from seg2vid_tf.evaluation.measure import measured_clip, nearest_video
from seg2vid_tf.evaluation.methods import ModelMethods, Protocol, baseline_videos
from seg2vid_tf.evaluation.report import chosen_clips, clip_pictures, html_report
from seg2vid_tf.evaluation.segmentation_scores import cityscapes_to_spec
from seg2vid_tf.evaluation.set_scores import SetMeasures
from seg2vid_tf.evaluation.summary import summarise
from seg2vid_tf.export_folder import newest_version, saved_models, versions
from seg2vid_tf.files import held_folder, sha256_of, write_text
from seg2vid_tf.flags import is_input_error
from seg2vid_tf.ops.image import to_uint8
from seg2vid_tf.ops.matching import MATCHING_VERSION
from seg2vid_tf.ops.segmenter import Segmenter
from seg2vid_tf.pipeline import Seg2VidPipeline
from seg2vid_tf.run_folder import RunFolder
from seg2vid_tf.training.fingerprint import fingerprint

# Scores by which the report chooses clips to show.
_SHOWN_BY = ("psnr", "lpips", "warp_error_external", "epe")


@dataclasses.dataclass(frozen=True)
class Networks:
    """Published networks to measure with, by path; what is not given is not measured.

    Attributes:
      lpips: weights of LPIPS AlexNet (evaluation/lpips.py).
      segmenter: it answers in Cityscapes' trainIds (ops/segmenter.py).
      features: feature extractors of pictures or clips (evaluation/feature_extractor.py), "fid=.." and the like too.
      classifier: from pictures to classes.
    """

    lpips: str | None = None
    segmenter: str | None = None
    features: tuple[str, ...] = ()
    classifier: str | None = None


class Evaluator:
    """A model, data, and how it is measured."""

    def __init__(
        self,
        pipe: Seg2VidPipeline,
        model: str | os.PathLike,
        data: str | os.PathLike,
        protocol: Protocol,
        *,
        train_data: Sequence[str | os.PathLike] = (),
        without_annotation: str | os.PathLike | None = None,
        networks: Networks = Networks(),
    ):
        """Loads everything that is asked for and looks at the data.

        Args:
          pipe: the model.
          model: where it comes from: a run's folder, a model's or a version's.
          data: a prepared split of the model's spec.
          protocol: how the model is asked.
          train_data: splits that it learned from: for their mean flow, and to find clips of theirs in ``data``.
          without_annotation: run of stage 2 trained without annotation, one more baseline.
          networks: to measure with.

        Raises:
          ValueError: data of another spec or damaged, a network that is missing or another one than it should be, a
            protocol that asks for what the model cannot do.
          ImportError: OpenCV is not installed and the protocol asks for it.
        """
        self.protocol = protocol = dataclasses.replace(protocol, num_frames=protocol.num_frames or pipe.num_frames)
        _check_protocol(protocol, pipe, model)
        self._manifest = check_shards(data)
        self._spec, self._recordings = manifest_spec(self._manifest), recordings(self._manifest)
        # Another name will do, as KITTI's for Cityscapes' classes.
        if (self._spec.classes, self._spec.ignore_id) != (pipe.spec.classes, pipe.spec.ignore_id):
            raise ValueError(
                f"{data} holds spec {self._spec.name!r}, whose classes are not those of {pipe.spec.name!r}, which the "
                "model was trained on: prepare it in those (--spec, --label_ids)"
            )
        self._pipe, self._model, self._data = pipe, str(model), str(data)
        self._train_data = {str(split): check_shards(split) for split in train_data}
        self._models = {"": ModelMethods(pipe, protocol)}
        if without_annotation is not None:
            self._models["without_annotation_"] = ModelMethods(_blind(without_annotation, pipe), protocol)
        no_motion = self._why_no_motion()
        self._has_motion = self._manifest["has_motion"] and no_motion is None
        self._warnings = [no_motion] if self._manifest["has_motion"] and no_motion else []
        self._scores = ClipScores(
            load_lpips(networks.lpips) if networks.lpips else None,
            protocol.horizons,
            protocol.external_flow,
        )
        fed, segment = {}, None
        if networks.segmenter:
            table, segmenter = cityscapes_to_spec(self._spec), Segmenter(networks.segmenter)
            fed["segmenter"] = segmenter.fed
            segment = lambda frames: table[segmenter(frames)]  # noqa: E731 - one expression that two names feed
        extractors = [FeatureExtractor(path) for path in networks.features]
        classifier = FeatureExtractor(networks.classifier, "classifier") if networks.classifier else None
        self._sets = SetMeasures(self._spec, protocol.num_frames, extractors, classifier, segment)
        fed |= {f"features_{each.name}": each.fed for each in extractors}
        fed |= {"classifier": classifier.fed} if classifier else {}
        roles = {"lpips": networks.lpips, "segmenter": networks.segmenter, "classifier": networks.classifier}
        roles |= {f"features_{each.name}": each.path for each in extractors}
        used = {role: {**_identified(path), "fed": fed.get(role, "")} for role, path in roles.items() if path}
        self._identity = self._describe(without_annotation, used)

    def _describe(self, without_annotation, networks):
        """What the scores depend on: two evaluations of the same description may be compared."""
        data = {
            "path": self._data,
            "digest": fingerprint([self._manifest]),
            "size": list(self._pipe.size),
            "exact_motion": self._has_motion,  # only a clip's first window has it
        }
        if self.protocol.max_clips:
            data["windows"] = "evenly spread"  # an older version took the first ones
        model = _identified(self._model)
        if _runs(self._model):  # they match by this code; an export has the matching that it was made with
            model["matching"] = MATCHING_VERSION
        return {
            "model": model,
            "data": data,
            "train_data": [{"path": p, "digest": fingerprint([m])} for p, m in self._train_data.items()],
            "without_annotation": None if without_annotation is None else _identified(without_annotation),
            "protocol": dataclasses.asdict(self.protocol),
            "noise_version": self._pipe.noise_version,
            "networks": networks,
            "versions": _versions(self.protocol.external_flow),
        }

    def run(
        self,
        output: str | os.PathLike,
        fps: float = 4.0,
        measure: Callable[[EvaluationFolder, int], None] | None = None,
    ) -> dict:
        """Measures, or goes on measuring, and writes metrics.json, report.html and logs/.

        Args:
          output: folder; new, or of this very evaluation.
          fps: of the report's animations.
          measure: called with the folder and the number of windows, it sees to it that all of them are measured there,
            by ``measure`` of Evaluators like this one; None: this one does, one window after the other.

        Returns:
          What metrics.json holds.

        Raises:
          ValueError: ``output`` holds something else or another process writes into it, a window longer than every
            clip, the model gives NaN.
        """
        folder = EvaluationFolder(output)
        windows = self._windows()
        folder.start(self._identity)
        with held_folder(folder.path):
            return self._run(folder, windows, fps, measure)

    def measure(
        self, folder: EvaluationFolder, windows: range, each: Callable[[int], None] = lambda index: None
    ) -> None:
        """Measures those of some windows in a row that the folder lacks.

        Args:
          folder: of an evaluation like this one, whose training data was looked at.
          windows: their numbers.
          each: called with a window's number when it is measured.

        Raises:
          ValueError: nobody looked at the training data, the model gives NaN.
        """
        mean_flow, _ = folder.train_data(_not_looked_at)
        first, previous = max(windows.start - 1, 0), None  # what is swapped is the window's before
        for index, real in zip(range(first, windows.stop), self._clips(self._windows(first=first)), strict=False):
            if index in windows:
                if not folder.has(index):
                    folder.save(index, *self._measured(real, index, mean_flow, previous))
                each(index)
            previous = real

    def _run(self, folder, windows, fps, measure):
        _, warnings = folder.train_data(self._learned_from)
        count = int(windows.cardinality())
        if measure is None:
            bar = keras.utils.Progbar(count, unit_name="clip")
            self.measure(folder, range(count), lambda index: bar.update(index + 1))
        else:
            measure(folder, count)
        metrics = {**self._identity, "config_hash": config_hash(self._identity), **summarise(folder, self._spec)}
        metrics["model_temperature"] = self._pipe.temperature  # what samples have where the protocol names no other
        metrics["warnings"] = warnings + self._warnings + metrics["warnings"]
        folder.finish(metrics)
        pictures = self._pictures(folder, windows, fps)
        write_text(folder.path / "report.html", html_report(metrics, pictures))
        _to_tensorboard(folder.path / "logs", metrics)
        return folder.metrics()

    def _why_no_motion(self):
        """Why videos are not held against exact motion that the data has; None: they are."""
        why = "no epe, fl_all and occlusion_f1, though the data holds exact motion: "
        stored, size = tuple(self._manifest["size"]), self._pipe.size
        if stored != size:
            return f"{why}it is of frames {stored}, the model's are {size}"
        if self.protocol.num_frames > self._pipe.num_frames:
            return f"{why}the model's motion is that from frame 0 in the first {self._pipe.num_frames} frames alone"
        if self.protocol.window_stride is not None:
            return f"{why}a clip's first window alone has it, and window_stride asks for others"
        return None

    def _windows(self, split=None, first=0) -> tf.data.Dataset:
        """The windows that are measured, from one on; of another split all, with nothing but frames and label maps."""
        protocol, measured = self.protocol, split is None
        return make_dataset(
            self._data if measured else split,
            num_frames=protocol.num_frames,
            batch_size=1,
            start_step=first,
            training=False,
            with_motion=measured and self._has_motion,
            with_clip_ids=measured,
            with_instances=measured and self._pipe.uses_instances and protocol.start_frame == "generated",
            size=self._pipe.size,
            window_stride=protocol.window_stride,
            max_windows=protocol.max_clips if measured else None,
        )

    def _clips(self, windows) -> Iterator[RealClip]:
        for window in windows:
            frames, label_maps = to_uint8(window["frames"][0]).numpy(), window["label_maps"][0].numpy()
            truth = {name: window[name][0].numpy() for name in MOTION} if self._has_motion else None
            instances = window["instance_maps"][0, 0].numpy() if "instance_maps" in window else None
            yield RealClip(frames, label_maps, truth, instances, window["clip_id"].numpy()[0].decode())

    def _learned_from(self) -> tuple[np.ndarray | None, list[str]]:
        """The training data's mean flow where it can be had, and warnings about the data."""
        if not self._train_data:
            return None, [
                "train_data was not given: no mean_flow, and whether the model learned from these clips is unknown"
            ]
        warnings = []
        shared = sources(self._manifest) & {f for m in self._train_data.values() for f in sources(m)}
        if shared:
            warnings.append(f"TRAINED ON THIS: {len(shared)} files of {self._data} are in the training data too")
        same, alike = shared_frames(self._data, list(self._train_data))
        if same:
            warnings.append(f"TRAINED ON THIS: {same} frames of {self._data} are frames of the training data")
        if alike:
            warnings.append(
                f"TRAINED ON THIS, it seems: {alike} frames of {self._data} look like frames of the training data "
                "(perceptual hash): they were coded anew, or follow them at once"
            )
        if alike is None:
            copies = "frames coded anew" if same is not None else "the very same frames, stored in another way,"
            warnings.append(
                f"whether the model learned from {copies} is unknown without ImageHash: pip install 'seg2vid_tf[eval]'"
            )
        if not self.protocol.external_flow:
            return None, [*warnings, "no mean_flow: it is measured by OpenCV (external_flow)"]
        mean = MeanFlow()
        try:
            for split in self._train_data:
                windows = self._windows(split)
                bar = keras.utils.Progbar(int(windows.cardinality()), unit_name="clip of the mean flow")
                for window in windows:
                    mean.add(to_uint8(window["frames"][0]).numpy())
                    bar.add(1)
        except ValueError as error:
            if not is_input_error(error):
                raise
            return None, [*warnings, f"no mean_flow: {error}"]
        return mean.result(), warnings

    def _measured(self, real, index, mean_flow, previous):
        videos = self._videos(real, index)
        start_frame = next(iter(videos.values()))[0].frames[0]
        videos |= baseline_videos(real, start_frame, mean_flow, self.protocol.external_flow)
        record, parts = measured_clip(real, videos, self._scores, self._sets, self.protocol.first_generated)
        if self.protocol.swap and previous is not None and self._models[""].can_swap:
            own = videos["reconstruction"][0]
            record["scores"]["reconstruction"] |= self._models[""].swapped(real, own, previous)
        return {"recording": self._recordings[real.clip_id], **record}, parts

    def _given_start_frame(self, real):
        """What is animated; None: stage 1 paints it."""
        return real.frames[0] if self.protocol.start_frame == "real" else None

    def _videos(self, real, index):
        videos, start_frame = {}, self._given_start_frame(real)
        for prefix, model in self._models.items():
            videos |= {prefix + name: made for name, made in model.videos(real, index, start_frame).items()}
            # The others are without stage 1: they go on from what the model's has painted for its first seed.
            start_frame = next(iter(videos.values()))[0].frames[0]
        return videos

    def _pictures(self, folder, windows, fps):
        """The report's pictures of the clips that are best, median and worst by some scores of the first method."""
        records = [record["scores"] for record, _ in folder.clips()]
        method = next(iter(records[0]))
        shown_by = [name for name in _SHOWN_BY if name in records[0][method]]
        chosen = chosen_clips({name: [record[method][name] for record in records] for name in shown_by})
        pictures = []
        for index, real in enumerate(self._clips(windows)):
            if index not in chosen:
                continue
            videos = {"real": real.frames}
            for name, several in self._models[""].videos(real, index, self._given_start_frame(real)).items():
                if len(several) == 1:
                    videos[name] = several[0]
                    continue
                nearest = nearest_video(real, several)
                videos |= {"a sample": several[0], f"the nearest of {len(several)} samples": several[nearest]}
            title = f"clip {index}: {method}'s {', '.join(chosen[index])}"
            pictures.append(clip_pictures(title, colorize(real.label_map, self._spec), videos, fps))
        return pictures


def _not_looked_at():
    raise ValueError("nobody has looked at the training data of this evaluation yet: run() does, before it measures")


def _check_protocol(protocol, pipe, model):
    if protocol.external_flow:
        require_opencv()
    if protocol.start_frame == "generated" and not pipe.has_start_frame:
        raise ValueError(f"{model} has no stage 1 to paint start frames with: leave start_frame at real")
    beyond = [h for h in protocol.horizons if h > protocol.num_frames]
    if beyond:
        raise ValueError(
            f"horizons asks for scores over the first {beyond} frames, and only {protocol.num_frames} are made: drop "
            "them, or raise num_frames"
        )
    if not protocol.samples and protocol.num_frames != pipe.num_frames:
        raise ValueError(
            f"samples must be at least 2 with num_frames {protocol.num_frames}: only clips of the model's own length, "
            f"{pipe.num_frames}, have a reconstruction"
        )


def _blind(run, pipe):
    """A run's pipeline, stage 2 alone, trained without annotation on the same kind of clips as another."""
    try:
        config, _ = RunFolder(pathlib.Path(run) / "motion").load("motion")
    except ValueError as error:
        raise ValueError(f"without_annotation: {error}") from error
    if config.model.annotated:
        raise ValueError(f"without_annotation: {run} was trained with annotation; train one with --noannotated")
    other = Seg2VidPipeline.from_run(run, start_frame=False)
    for what in ("spec", "size", "num_frames"):
        theirs, ours = getattr(other, what), getattr(pipe, what)
        if theirs != ours:
            found = "" if what == "spec" else f": {theirs}, not {ours}"
            raise ValueError(f"without_annotation: {run} is of another {what} than the model{found}")
    return other


def _identified(path):
    return {"path": str(path), "digest": _model_digest(path)}


def _runs(path):
    """The folders of the stages of a run; none of an export or a file."""
    folders = (pathlib.Path(path) / stage for stage in ("start_frame", "motion"))
    return [folder for folder in folders if (folder / "config.json").exists()]


def _model_digest(path):
    """SHA-256 of a file or a folder; of a run, those of its networks."""
    path, runs = pathlib.Path(path), _runs(path)
    if runs:
        return hashlib.sha256(" ".join(RunFolder(stage).digest() for stage in runs).encode()).hexdigest()
    models = saved_models(newest_version(path)) if versions(path) else saved_models(path)
    if len(models) > 1:
        return hashlib.sha256(" ".join(map(sha256_of, models)).encode()).hexdigest()
    return sha256_of(models[0] if models else path)


def _versions(external_flow):
    versions = {module.__name__: module.__version__ for module in (seg2vid_tf, tf, keras, np)}
    versions["tensorflow_probability"] = importlib.metadata.version("tensorflow-probability")
    if external_flow:
        versions["opencv"] = require_opencv().__version__
    return {"python": platform.python_version(), **versions}


def _to_tensorboard(logs, metrics):
    with tf.summary.create_file_writer(str(logs)).as_default(step=0):
        for method, scores in (*metrics["methods"].items(), *metrics["sets"].items()):
            for name, score in scores.items():
                value = score["mean"] if isinstance(score, dict) else score
                if value is not None:
                    tf.summary.scalar(f"{method}/{name}", value)
