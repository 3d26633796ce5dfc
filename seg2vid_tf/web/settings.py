"""What a visitor may ask for besides the map, within bounds: one request must not take the machine from the others."""

import dataclasses
import math

MAX_SEED = 2**31 - 1
MAX_VIDEOS = 8
MAX_FRAMES = 64
MAX_TEMPERATURE = 2.0
RESTYLE_SEED = 1000  # generate.py's


@dataclasses.dataclass(frozen=True)
class Settings:
    """One request.

    Attributes:
      seed: of the first video; each further one takes the next.
      num_videos: how many.
      num_frames: after the start frame.
      temperature: how much drawn motions differ; None: the model's own.
      style_seed: whose style every video takes; None: its own seed's.
      restyle: names of classes that take the style of ``restyle_seed``.
    """

    seed: int
    num_videos: int
    num_frames: int
    temperature: float | None = None
    style_seed: int | None = None
    restyle: tuple[str, ...] = ()
    restyle_seed: int = RESTYLE_SEED

    def in_words(self) -> str:
        """The request as a visitor reads it; what is left to the model or to the seed is not said."""
        last = self.seed + self.num_videos - 1
        said = [f"seed {self.seed}" if last == self.seed else f"seeds {self.seed} to {last}"]
        said.append(f"frames {self.num_frames}")
        said += [] if self.temperature is None else [f"temperature {self.temperature:g}"]
        said += [] if self.style_seed is None else [f"style seed {self.style_seed}"]
        said += [f"another look for {', '.join(self.restyle)} (seed {self.restyle_seed})"] if self.restyle else []
        return ", ".join(said)


def read_settings(
    seed,
    num_videos,
    num_frames,
    temperature=None,
    own_temperature: float | None = None,
    style_seed=None,
    restyle=None,
    restyle_seed=RESTYLE_SEED,
) -> Settings:
    """Settings from what a form sends: numbers, of which some may come as text or not at all.

    Args:
      seed, num_videos, num_frames, temperature, style_seed, restyle, restyle_seed: of the form; restyle is a list.
      own_temperature: the model's; where the form says the same the model is left to itself.

    Raises:
      ValueError: not a number, or outside the bounds.
    """
    numbers = (
        _whole("seed", seed, 0, MAX_SEED),
        _whole("videos", num_videos, 1, MAX_VIDEOS),
        _whole("frames", num_frames, 1, MAX_FRAMES),
    )
    if temperature is not None:
        number = _number(temperature)
        if number is None or not 0 <= number <= MAX_TEMPERATURE:
            raise ValueError(f"temperature: a number from 0 to {MAX_TEMPERATURE:g}, received {temperature!r}")
        temperature = None if number == own_temperature else number
    # An empty field comes as None or as "".
    style_seed = None if style_seed in (None, "") else _whole("style seed", style_seed, 0, MAX_SEED)
    if not restyle:
        return Settings(*numbers, temperature, style_seed)
    restyle_seed = _whole("seed of their look", restyle_seed, 0, MAX_SEED)
    return Settings(*numbers, temperature, style_seed, tuple(map(str, restyle)), restyle_seed)


def _whole(name, value, low, high):
    number = _number(value)
    if number is None or number != int(number) or not low <= number <= high:
        raise ValueError(f"{name}: a whole number from {low} to {high}, received {value!r}")
    return int(number)


def _number(value):
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
