"""What a visitor may ask for besides the map, within bounds: one request must not take the machine from the others."""

import dataclasses
import math

MAX_SEED = 2**31 - 1
MAX_VIDEOS = 8
MAX_FRAMES = 64
MAX_TEMPERATURE = 2.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """One request.

    Attributes:
      seed: of the first video; each further one takes the next.
      num_videos: how many.
      num_frames: after the start frame.
      temperature: how much drawn motions differ; None: the model's own.
    """

    seed: int
    num_videos: int
    num_frames: int
    temperature: float | None = None


def read_settings(seed, num_videos, num_frames, temperature=None, own_temperature: float | None = None) -> Settings:
    """Settings from what a form sends: numbers, of which some may come as text or not at all.

    Args:
      seed, num_videos, num_frames, temperature: of the form.
      own_temperature: the model's; where the form says the same the model is left to itself.

    Raises:
      ValueError: not a number, or outside the bounds.
    """
    whole = (("seed", seed, 0, MAX_SEED), ("videos", num_videos, 1, MAX_VIDEOS), ("frames", num_frames, 1, MAX_FRAMES))
    numbers = []
    for name, value, low, high in whole:
        number = _number(value)
        if number is None or number != int(number) or not low <= number <= high:
            raise ValueError(f"{name}: a whole number from {low} to {high}, received {value!r}")
        numbers.append(int(number))
    if temperature is not None:
        number = _number(temperature)
        if number is None or not 0 <= number <= MAX_TEMPERATURE:
            raise ValueError(f"temperature: a number from 0 to {MAX_TEMPERATURE:g}, received {temperature!r}")
        temperature = None if number == own_temperature else number
    return Settings(*numbers, temperature)


def _number(value):
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
