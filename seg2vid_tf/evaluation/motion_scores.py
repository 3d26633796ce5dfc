"""Scores of reconstructed clips, beside what doing nothing scores."""

import numpy as np

from seg2vid_tf.evaluation.flow_error import endpoint_error, occlusion_f1
from seg2vid_tf.evaluation.psnr import psnr

# Two equal frames have no finite PSNR; a mean over clips counts them as this.
MAX_PSNR = 60.0


class MotionScores:
    """Gathers the scores of one clip after another; ``result`` gives their means."""

    def __init__(self):
        self._scores: dict[str, list[float]] = {}

    def add(self, frames: np.ndarray, output, truth: dict | None = None, samples=None, swaps=None) -> None:
        """Scores one clip.

        Args:
          frames: uint8 [T+1,H,W,3], the real clip.
          output: Seg2VidOutput of its reconstruction, N = 1.
          truth: exact flow, flow_backward [T,H,W,2] and visibility, visibility_backward [T,H,W,1], where known.
          samples: Seg2VidOutput of its frame 0 animated with N >= 2 motions from the prior.
          swaps: (Seg2VidOutput of its frame 0 animated with the background part of another clip's z, one with the
            foreground part, bool [H,W]: where its label map has the foreground).
        """
        copied = np.repeat(frames[:1], len(frames) - 1, axis=0)
        scores = {
            "psnr": np.mean(np.minimum(psnr(frames[1:], output.frames[0, 1:]), MAX_PSNR)),
            "psnr_copy_frame_0": np.mean(np.minimum(psnr(frames[1:], copied), MAX_PSNR)),
        }
        if truth is not None:
            for direction in ("", "_backward"):
                flow, visibility = truth[f"flow{direction}"], truth[f"visibility{direction}"]
                predicted = getattr(output, f"flow{direction}")[0]
                scores[f"epe{direction}"] = endpoint_error(flow, predicted, visibility)
                scores[f"epe{direction}_zero_flow"] = endpoint_error(flow, np.zeros_like(flow), visibility)
                scores[f"occlusion_f1{direction}"] = occlusion_f1(
                    visibility, getattr(output, f"visibility{direction}")[0]
                )
        if samples is not None:
            each = [np.mean(np.minimum(psnr(frames[1:], video[1:]), MAX_PSNR)) for video in samples.frames]
            scores[f"psnr_best_of_{len(each)}"] = np.max(each)
            last = samples.flow[:, -1]
            scores["samples_flow_spread"] = np.mean(np.linalg.norm(last - last.mean(axis=0), axis=-1))
        if swaps is not None:
            *swapped, foreground = swaps
            before = output.flow_backward[0, -1]
            for part, after in zip(("background", "foreground"), swapped, strict=True):
                for group, where in (("background", ~foreground), ("foreground", foreground)):
                    scores[f"swap_{part}_moves_{group}"] = endpoint_error(
                        before, after.flow_backward[0, -1], where[..., None]
                    )
        for name, value in scores.items():
            if np.isfinite(value):
                self._scores.setdefault(name, []).append(float(value))

    def result(self) -> dict:
        """{"clips": how many, score: mean over the clips that have it}; without any occlusion, for one, there is no F1.

        "psnr_best_of_<N>" is that of the sample nearest to the real clip, "samples_flow_spread" how far, in pixels, the
        samples' flow of frame T lies from its mean over the samples: 0 = every seed moves alike.
        "swap_<part>_moves_<group>" is by how many pixels that part of another clip's z changes frame T's flow_backward
        on that group's pixels.

        Raises:
          ValueError: no clip was added.
        """
        if not self._scores:
            raise ValueError("no clip was scored: the data holds no window of T+1 frames")
        return {
            "clips": len(self._scores["psnr"]),
            **{name: float(np.mean(values)) for name, values in self._scores.items()},
        }
