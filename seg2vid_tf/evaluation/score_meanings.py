"""What the names of the scores mean, in a line each, for whoever reads a report."""

from collections.abc import Iterable

# {what a name begins with: its meaning}; the longest one that fits counts.
_MEANINGS = {
    "psnr": "PSNR to the real frames, dB",
    "ssim": "SSIM to the real frames, 1: the same",
    "ms_ssim": "SSIM at several sizes at once, 1: the same",
    "lpips": "LPIPS, distance to the real frames as people see it, 0: the same",
    "lpips_between_seeds": "LPIPS between the videos of several seeds: how much they differ to look at",
    "flow_spread": "how far the motions of several seeds lie from their mean, pixels",
    "warp_error_predicted": "what the frame before, warped along the flow that the model predicted, does not explain "
    "of a frame: mean squared difference of values in [0, 1]",
    "warp_error_external": "the same along the flow that OpenCV measures on the video itself: flicker and tearing. A "
    "video that stands still has none; see motion",
    "warp_error_real": "the same along the flow that OpenCV measures on the real clip: whether the video moves as the "
    "real one does",
    "motion": "mean length of the flow that OpenCV measures on the video, pixels a frame",
    "epe": "end-point error: mean distance of the predicted flow from the exact one, pixels",
    "fl_all": "share of pixels whose flow is wrong by more than 3 pixels and 5 %",
    "occlusion_f1": "overlap of the pixels that the model and the exact motion call hidden, F1, 1: the same",
    "swap_": "how far the part of the motion that is named moves the group that is named, when another clip's is put "
    "in its place, pixels",
    "segmenter_accuracy": "share of pixels in which a segmenter sees the class of the label map",
    "segmenter_mean_iou": "overlap of what a segmenter sees with the label map, mean over classes",
    "frechet": "Frechet distance between the features of made and real ones; FID or FVD only with their own networks",
    "kid": "kernel distance between the features of made and real pictures, beside it its standard error",
    "classifier_score": "inception score's formula by a classifier: whether pictures are clearly of one class, and of "
    "many together; over ten splits, with their standard deviation, as published",
    "kvd": "kernel distance between the features of made and real clips, beside it its standard error",
}
_AT, _BACKWARD = "over the first frames alone, as many as behind the @", "of the motion back from a frame to the first"


def meanings(names: Iterable[str]) -> dict[str, str]:
    """{score: what it means} of the scores among these names, in their order, and of the endings that they have."""
    names, found = list(names), {}
    for name in names:
        known = max((start for start in _MEANINGS if name.startswith(start)), key=len, default=None)
        if known is not None:
            found["swap_..." if known == "swap_" else known] = _MEANINGS[known]
    for ending, meaning, holds in (
        ("...@4", _AT, any("@" in name for name in names)),
        ("..._backward", _BACKWARD, any("_backward" in name for name in names)),
    ):
        found |= {ending: meaning} if holds else {}
    return found
