"""What every reader of a format yields: pictures whose pixels hold numbers, and what the numbers are called."""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Labels:
    """What one picture's pixels are.

    Attributes:
      numbers: unsigned integers [H, W].
      names: {number: what the tool calls it}; "" where nothing was drawn. A number that is not there has no name.
      instances: uint16 [H, W], 0 = no instance, or None where the tool tells none apart.
    """

    numbers: np.ndarray
    names: dict[int, str]
    instances: np.ndarray | None = None


# What reading a document of another form than expected raises.
OTHER_FORM = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, OSError)


class NothingLabelled(Exception):
    """A picture that nobody labelled, by what it is called; nothing is wrong with the file."""


@dataclasses.dataclass(frozen=True)
class LabelledPicture:
    """One annotated picture; its labels are read when asked for.

    Attributes:
      stem: its name without ending.
      sequence: the folder that it belongs to, "" where the format knows none.
      image: its file; None where it is not beside the labels.
      source: the file of the labels, for messages.
      load: reads the labels; raises NothingLabelled where nobody made any.
      wanted: the name by which the picture was looked for, for messages; "": its stem.
    """

    stem: str
    sequence: str
    image: pathlib.Path | None
    source: pathlib.Path
    load: Callable[[], Labels]
    wanted: str = ""


def read_json(path: pathlib.Path):
    """A JSON document.

    Raises:
      ValueError: it is none.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: not a readable JSON document ({error}); export it again") from error
