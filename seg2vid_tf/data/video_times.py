"""When the frames of a video are shown: which steps are uneven, and which frames make them even.

Frames that follow each other at other intervals move at another speed: a variable rate, a frame that was dropped or
doubled, a pause. Time is in seconds.
"""

import bisect
import itertools

# A step may differ so much from the usual one; rounded time stamps and jittering cameras stay well inside.
_LONGEST, _SHORTEST = 1.5, 0.5


def usual_step(times: list[float]) -> float:
    """The median step, 0 of fewer than two frames."""
    steps = sorted(after - before for before, after in zip(times, times[1:], strict=False))
    return steps[len(steps) // 2] if steps else 0.0


def uneven_steps(times: list[float]) -> list[int]:
    """The frames before which the step is much longer or shorter than usual."""
    usual = usual_step(times)
    steps = (after - before for before, after in zip(times, times[1:], strict=False))
    return [i for i, step in enumerate(steps, 1) if not _SHORTEST * usual < step < _LONGEST * usual]


def even_frames(times: list[float], fps: float) -> list[int]:
    """Of each moment of an even rate, from the first frame on, the frame that is nearest to it.

    Args:
      times: of the frames, in order.
      fps: moments a second.

    Raises:
      ValueError: a frame is shown before the one that it follows.
    """
    for before, after in itertools.pairwise(times):
        if after < before:
            raise ValueError(
                f"a frame at {after:.3f} s follows one at {before:.3f} s, so --fps cannot choose among them: write the "
                "video again with times that rise, or leave --fps out"
            )
    chosen = []
    # The last frame is shown for a step, too; the first half of it is nearest to it.
    while times and (moment := times[0] + len(chosen) / fps) <= times[-1] + 0.5 * usual_step(times):
        # Searched for, not walked to: two frames of one time would be as near, and hold up whoever looks for a nearer.
        after = min(bisect.bisect_left(times, moment), len(times) - 1)
        before = max(after - 1, 0)
        chosen.append(after if abs(times[after] - moment) < abs(times[before] - moment) else before)
    return chosen


def uneven_fault(times: list[float], places: list[int]) -> str:
    """What to say of uneven steps before these frames."""
    place = places[0]
    return (
        f"{len(places)} uneven steps, the first {times[place] - times[place - 1]:.3f} s, from "
        f"{times[place - 1]:.3f} s to "
        f"{times[place]:.3f} s, where {usual_step(times):.3f} s are usual (a variable rate, dropped or doubled "
        "frames, a "
        "pause), so that things would change their speed there: give --fps, which takes frames at even steps, or "
        "--max_bad_clips, which leaves such clips out"
    )


def repeated_remark(times: list[float], chosen: list[int], fps: float) -> str:
    """What to say of frames that are taken more than once for want of others; "" where there are none."""
    repeated = [after for before, after in zip(chosen, chosen[1:], strict=False) if before == after]
    if not repeated:
        return ""
    return (
        f"at {fps:g} frames a second {len(repeated)} frames repeat the one before, the first at "
        f"{times[repeated[0]]:.3f} s: nothing moves there, the video has no more; a lower rate repeats fewer"
    )
