"""Every score of one video of one clip, by name; one row of what evaluate.py gathers.

psnr, ssim, ms_ssim, lpips      to the real frames 1..T, means over them (psnr.py, ssim.py, lpips.py); <name>@<h>:
                                over frames 1..h; ms_ssim where frames are large enough
warp_error_predicted            along the video's own flow and visibility, from the frame its chunk starts with
warp_error_external             along the flow measured on the video, from frame to frame
warp_error_real                 along the flow measured on the real clip (temporal_consistency.py has their meaning)
motion                          mean length of the flow measured on the video, pixels a frame
epe, fl_all, occlusion_f1       and <name>_backward: against exact motion, where the clip has it (flow_error.py)
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence

import numpy as np

from seg2vid_tf.evaluation.external_flow import measured_flow
from seg2vid_tf.evaluation.flow_error import endpoint_error, fl_all, occlusion_f1
from seg2vid_tf.evaluation.psnr import psnr
from seg2vid_tf.evaluation.ssim import MS_SSIM_MIN_SIDE, ms_ssim, ssim
from seg2vid_tf.evaluation.temporal_consistency import warp_error
from seg2vid_tf.evaluation.video import Video
from seg2vid_tf.ops.image import to_float

# Two equal frames have no finite PSNR; a mean counts them as this.
MAX_PSNR = 60.0


@dataclasses.dataclass(frozen=True)
class RealClip:
    """What a video is held against.

    Attributes:
      frames: uint8 [T+1,H,W,3].
      label_maps: uint8 [T+1,H,W].
      truth: exact flow, flow_backward [T,H,W,2] and visibility, visibility_backward [T,H,W,1], where known.
      instance_map: int32 [H,W], of frame 0, where a model asks for it.
      clip_id: of the clip that it is a window of.
    """

    frames: np.ndarray
    label_maps: np.ndarray
    truth: dict | None = None
    instance_map: np.ndarray | None = None
    clip_id: str = ""

    @property
    def label_map(self) -> np.ndarray:
        """uint8 [H,W], frame 0's: all that a model is given."""
        return self.label_maps[0]

    @functools.cached_property
    def measured(self) -> tuple[np.ndarray, np.ndarray]:
        """Flow and visibility from each frame to the next, as measured."""
        flow, _, visibility = measured_flow(self.frames[:-1], self.frames[1:])
        return flow, visibility


def frame_psnr(real: RealClip, video: Video) -> np.ndarray:
    """PSNR of each of the frames 1..T, at most MAX_PSNR: float64 [T]."""
    return np.minimum(psnr(real.frames[1:], video.frames[1:]), MAX_PSNR)


class ClipScores:
    """Scores videos; each call is on its own, nothing is gathered."""

    def __init__(self, lpips: Callable | None = None, horizons: Sequence[int] = (), external_flow: bool = True):
        """Takes what to measure with.

        Args:
          lpips: from load_lpips; None: no lpips.
          horizons: numbers of frames that the scores against the real frames are given for, too.
          external_flow: whether to give what needs a flow measured by OpenCV.
        """
        self._lpips, self._horizons, self._external_flow = lpips, tuple(horizons), external_flow

    def _by_frame(self, real, video):
        shown, target = video.frames[1:], real.frames[1:]
        scores = {"psnr": frame_psnr(real, video), "ssim": ssim(target, shown)}
        if min(shown.shape[1:3]) >= MS_SSIM_MIN_SIDE:
            scores["ms_ssim"] = ms_ssim(target, shown)
        if self._lpips is not None:
            scores["lpips"] = np.asarray(self._lpips(to_float(shown), to_float(target)))
        return scores

    def of_video(self, real: RealClip, video: Video) -> tuple[dict[str, float], dict[str, np.ndarray]]:
        """The scores named above, as far as there is what they need; NaN where one has no value.

        Returns:
          (scores, {psnr, ssim, ms_ssim, lpips: float [T], of each of the frames 1..T}).
        """
        scores, by_frame = {}, self._by_frame(real, video)
        for name, values in by_frame.items():
            scores[name] = float(np.mean(values))
            scores |= {f"{name}@{h}": float(np.mean(values[:h])) for h in self._horizons if h <= len(values)}
        ones = np.ones((*video.flow.shape[:-1], 1), np.float32)
        visibility = ones if video.visibility is None else video.visibility
        scores["warp_error_predicted"] = warp_error(
            video.frames[video.sources], video.frames[1:], video.flow, visibility
        )
        if self._external_flow:
            flow, _, visible = measured_flow(video.frames[:-1], video.frames[1:])
            scores["warp_error_external"] = warp_error(video.frames[:-1], video.frames[1:], flow, visible)
            scores["warp_error_real"] = warp_error(video.frames[:-1], video.frames[1:], *real.measured)
            scores["motion"] = float(np.mean(np.linalg.norm(flow, axis=-1)))
        if real.truth is not None:
            scores |= _against_exact_motion(real.truth, video)
        return scores, by_frame

    def differences(self, videos: Sequence[Video]) -> dict[str, float]:
        """How much several seeds' videos of one clip differ; {} of one video.

        "flow_spread": how far, in pixels, their flow of frame T lies from its mean over them; 0 = all move alike.
        "lpips_between_seeds": mean over frames 1..T and the pairs among the first five of them.
        """
        if len(videos) < 2:
            return {}
        last = np.stack([video.flow[-1] for video in videos])
        scores = {"flow_spread": float(np.mean(np.linalg.norm(last - last.mean(axis=0), axis=-1)))}
        if self._lpips is not None:
            shown = [to_float(video.frames[1:]) for video in videos[:5]]
            pairs = [(a, b) for i, a in enumerate(shown) for b in shown[i + 1 :]]
            scores["lpips_between_seeds"] = float(np.mean([np.mean(self._lpips(a, b)) for a, b in pairs]))
        return scores


def _against_exact_motion(truth, video):
    scores = {}
    for way in ("", "_backward"):
        flow, visibility = truth[f"flow{way}"], truth[f"visibility{way}"]
        predicted, seen = getattr(video, f"flow{way}"), getattr(video, f"visibility{way}")
        if predicted is not None:
            scores[f"epe{way}"] = endpoint_error(flow, predicted, visibility)
            scores[f"fl_all{way}"] = fl_all(flow, predicted, visibility)
        if seen is not None:
            scores[f"occlusion_f1{way}"] = occlusion_f1(visibility, seen)
    return scores
