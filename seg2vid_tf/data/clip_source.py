"""ClipSource: the one interface of every reader; and the sources that are made of clips or of other sources.

A source knows at once which clips it has and reads any of them when asked, so that shards can be written one by one,
again after a crash, and on several machines.
"""

import abc
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from seg2vid_tf.annotations.label_map import label_set_table
from seg2vid_tf.annotations.spec import AnnotationSpec
from seg2vid_tf.data.clip import Clip


def parts(name: str, length: int, max_length: int | None) -> dict[str, slice]:
    """{clip id: its frames} of a recording, cut into clips of max_length frames, the last one with what is left.

    A recording that is not cut keeps its name; "walk_00000030" starts at frame 30.
    """
    step = max_length or length
    return {
        name if length <= step else f"{name}_{start:08d}": slice(start, min(start + step, length))
        for start in range(0, length, step)
    }


class ClipSource(abc.ABC):
    """The clips of one data set. It can be pickled.

    Attributes:
      spec: what the ids of the label maps mean.
      clip_ids: the clips' ids, in order, each of them once.
      settings: what determines the clips besides the files they are made of, as JSON: the reader and its options.
      remarks: what whoever prepares the clips should know of how they were found; a line each.
    """

    spec: AnnotationSpec
    clip_ids: tuple[str, ...]
    settings: dict
    remarks: tuple[str, ...] = ()

    @abc.abstractmethod
    def read(self, clip_id: str) -> Clip:
        """The clip of that id.

        Raises:
          ValueError: something is wrong with its files; the message names the file.
        """

    def read_each(self, clip_ids: Sequence[str]) -> Iterator[tuple[str, Clip | ValueError | OSError]]:
        """Yields each clip beside its id, in that order; where something is wrong with its files, the error.

        A source that makes several clips at once faster than one after the other does so here.
        """
        for clip_id in clip_ids:
            try:
                yield clip_id, self.read(clip_id)
            except (ValueError, OSError) as error:
                yield clip_id, error

    def files(self, clip_id: str) -> list[pathlib.Path]:
        """The files that a clip is made of; none where it is rendered."""
        return []

    def recording(self, clip_id: str) -> str:
        """What a clip was cut from, with others perhaps: clips of one recording are alike."""
        return clip_id

    def faults(self) -> dict[str, str]:
        """{clip id: what is wrong} of clips that are known to be bad before a file is opened, since names do not fit
        together; reading one raises ValueError."""
        return {}

    def length(self, clip_id: str) -> int | None:
        """How many frames a clip has, where that is known before it is read."""
        return None

    def sampled(self, count: int) -> "ClipSource | None":
        """So many of its frames, spread evenly, as clips of one; None where frames cannot be read on their own."""
        return None

    def __len__(self) -> int:
        return len(self.clip_ids)

    def __iter__(self) -> Iterator[Clip]:
        """Reads one clip after the other."""
        return map(self.read, self.clip_ids)


class ClipList(ClipSource):
    """Clips in memory.

    Args:
      clips: each with an id of its own.
      spec: what the ids of their label maps mean.

    Raises:
      ValueError: an id that comes twice.
    """

    def __init__(self, clips: Iterable[Clip], spec: AnnotationSpec):
        self._clips = {}
        for clip in clips:
            if clip.clip_id in self._clips:
                raise ValueError(f"clip id {clip.clip_id!r} comes twice; ids must be unique in a data set")
            self._clips[clip.clip_id] = clip
        self.spec = spec
        self.clip_ids = tuple(self._clips)
        digest = hashlib.sha256()
        for clip in self._clips.values():
            values = [getattr(clip, field.name) for field in dataclasses.fields(clip)]
            for value in values[1:-2]:  # the arrays: neither clip_id nor remarks and made_from
                digest.update(b"-" if value is None else value.tobytes())
        self.settings = {"reader": "memory", "sha256": digest.hexdigest()}

    def read(self, clip_id: str) -> Clip:
        return self._clips[clip_id]


class Relabelled(ClipSource):
    """A source's clips with their label maps in another spec's ids.

    Args:
      source: its ids are those of ``label_set``.
      spec: the spec to bring them to.
      label_set: one of ``spec.label_sets``; what it does not list becomes the ignore id.

    Raises:
      ValueError: the spec has no such label set.
    """

    def __init__(self, source: ClipSource, spec: AnnotationSpec, label_set: str):
        self._source, self._table = source, label_set_table(spec, label_set)
        self.spec = spec
        self.clip_ids = source.clip_ids
        self.settings = {**source.settings, "relabelled_from": label_set}
        self.remarks = source.remarks

    def read(self, clip_id: str) -> Clip:
        clip = self._source.read(clip_id)
        return dataclasses.replace(clip, label_maps=self._table[clip.label_maps])

    def files(self, clip_id: str) -> list[pathlib.Path]:
        return self._source.files(clip_id)

    def recording(self, clip_id: str) -> str:
        return self._source.recording(clip_id)

    def length(self, clip_id: str) -> int | None:
        return self._source.length(clip_id)

    def faults(self) -> dict[str, str]:
        return self._source.faults()
