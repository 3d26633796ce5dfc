"""What the page makes videos with: a model in this process, or one behind a server. Both answer in the same words.

A model has spec, size, num_frames (its T), temperature (None: it cannot be chosen), has_style (of a picture),
has_style_seeds, has_looks (of some classes, others than of the rest), call (calls.py), lacks (what it cannot do, in a
sentence), ready (whether it need not be loaded first) and videos(label_map, settings, reference), which yields one
Video after the other: whoever stops asking stops the work.
"""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator

import numpy as np

from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.export_folder import CannotLoad, can_restyle, may_take_style, newest_version, read_description
from seg2vid_tf.serving.status import StatusError
from seg2vid_tf.web.calls import ModelCall
from seg2vid_tf.web.pipelines import Pipelines, refuse_unloaded
from seg2vid_tf.web.settings import Settings


@dataclasses.dataclass(frozen=True)
class Video:
    """One video.

    Attributes:
      seed: its own.
      frames: uint8 [T+1,H,W,3].
      label_maps: uint8 [T+1,H,W]; None, as the two below, where a server does not send it.
      flow: float32 [T,H,W,2].
      visibility: float32 [T,H,W,1].
    """

    seed: int
    frames: np.ndarray
    label_maps: np.ndarray | None = None
    flow: np.ndarray | None = None
    visibility: np.ndarray | None = None


class LocalModel:
    """An export in this process, which is loaded when it is first asked.

    Args:
      folder: a version folder, or a model folder, whose newest version is taken.
      call: how it is named.
      pipelines: those that are loaded.

    Raises:
      ValueError: no export, or one that does not make a video of a label map alone.
    """

    lacks, has_style_seeds = "", True

    def __init__(self, folder: pathlib.Path, call: ModelCall, pipelines: Pipelines):
        self._folder, self._pipelines, self.call = newest_version(folder), pipelines, call
        description = read_description(self._folder)
        if set(description["stages"]) != {"start_frame", "motion"}:
            raise ValueError(
                f"{folder} has {description['stages']} alone, a map becomes a video by both stages: export both"
            )
        if description["instance_boundary"]:
            raise ValueError(f"{folder} was trained with instances, which the page cannot paint: use generate.py")
        self.spec, self.size = AnnotationSpec.from_json(description["spec"]), tuple(description["size"])
        self.num_frames, self.temperature = description["num_frames"], description["temperature"]
        self.has_looks = can_restyle(description)
        # Of an old export it is offered, and refused when asked.
        self.has_style = may_take_style(description)

    @property
    def ready(self) -> bool:
        return self._folder in self._pipelines

    def videos(self, label_map: np.ndarray, settings: Settings, reference: np.ndarray | None) -> Iterator[Video]:
        try:
            yield from self._videos(label_map, settings, reference)
        except CannotLoad as error:  # of stage 1's networks or the encoder, which are loaded when they are asked for
            refuse_unloaded(self._folder, error)

    def _videos(self, label_map, settings, reference):
        pipe, painting = self._pipelines[self._folder], {"reference": reference, "style_seed": settings.style_seed}
        if settings.restyle:
            looks = settings.restyle, settings.restyle_seed, settings.seed
            painting = {"start_frame": pipe.restyled_start_frame(label_map, *looks, **painting)}
        given = {"num_frames": settings.num_frames, "temperature": settings.temperature, **painting}
        for seed in range(settings.seed, settings.seed + settings.num_videos):
            out = pipe(label_map, seed=seed, **given)
            yield Video(seed, out.frames[0], out.label_maps[0], out.flow[0], out.visibility[0])


class ServedModel:
    """A model behind a server, asked by a client; no TensorFlow here."""

    temperature, has_style, has_style_seeds, has_looks, ready = None, False, False, False, True
    lacks = "Through a server a video has no chosen temperature or style, and no flow or visibility is shown."

    def __init__(self, client, spec, call: ModelCall):
        self._client, self.spec, self.call = client, spec, call
        self.size = client.size()
        # Its metadata does not say how long its videos are.
        self.num_frames = len(client.generate(np.zeros(self.size, np.uint8))[0]) - 1

    def videos(self, label_map: np.ndarray, settings: Settings, reference: np.ndarray | None) -> Iterator[Video]:
        if reference is not None:
            raise ValueError("a style picture: a server takes none, remove it")
        for seed in range(settings.seed, settings.seed + settings.num_videos):
            try:
                yield Video(seed, np.concatenate(list(self._client.video(label_map, seed, settings.num_frames))))
            except StatusError as error:
                raise ValueError(f"the server: {error}") from error


def by_title(models: Iterable) -> dict:
    """{what the page calls it: model}, in their order; models of one name get a number."""
    found = {}
    for model in models:
        title, number = model.call.title, 1
        while title in found:
            number += 1
            title = f"{model.call.title} ({number})"
        found[title] = model
    return found
