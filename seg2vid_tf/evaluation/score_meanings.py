"""What the names of the scores, and of the methods that have them, mean, for whoever reads a report."""

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
    "motion": "mean length of the flow that OpenCV measures on the video from each frame to the next, over all "
    "pixels, in pixels",
    "epe": "end-point error: mean distance of the predicted flow from the exact one, pixels",
    "fl_all": "share of pixels whose flow is wrong by more than 3 pixels and 5 %",
    "occlusion_f1": "overlap of the pixels that the model and the exact motion call hidden, F1, 1: the same",
    "swap_": "how far the part of the motion that is named moves the group that is named, when another clip's is put "
    "in its place, pixels. Wanted: another clip's background part moves the background much and the foreground little, "
    "and its foreground part the other way round",
    "segmenter_accuracy": "share of pixels in which a segmenter sees the class of the label map",
    "segmenter_mean_iou": "overlap of what a segmenter sees with the label map, mean over classes",
    "frechet": "Frechet distance between the features of made and real ones; FID or FVD only with their own networks",
    "kid": "kernel distance between the features of made and real pictures, beside it its standard error",
    "classifier_score": "inception score's formula by a classifier: whether pictures are clearly of one class, and of "
    "many together; over ten splits, with their standard deviation, as published",
    "kvd": "kernel distance between the features of made and real clips, beside it its standard error",
}
# {what a column's name begins with: what it shows}, less what says that the model does not see the annotation.
_COLUMNS = {
    "samples": "what a user gets: videos whose motions seeds draw. Each score is the mean over all samples of a clip, "
    "that of all clips together is of the first sample of each",
    "best_of_": "of as many samples of each clip as the name says, the one of the highest PSNR to the real clip; all "
    "scores are that one's",
    "reconstruction": "the video of the motion that the model reads off the real clip",
    "copy_frame_0": "the first frame, standing still",
    "mean_flow": "the first frame, moved as the training clips do on average",
    "affine": "the first frame, moved by the affine motion that fits each frame of the real clip best",
    "real": "the real clips themselves",
}
_WITHOUT = "without_annotation_"
_WITHOUT_MEANS = "the same of the model that does not see the annotation"
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


def column_meanings(methods: Iterable[str]) -> dict[str, str]:
    """{method: what it shows} of the columns among these names, in their order."""
    found = {}
    for method in methods:
        if method.startswith(_WITHOUT):
            found[f"{_WITHOUT}..."] = _WITHOUT_MEANS
            continue
        known = next((start for start in _COLUMNS if method.startswith(start)), None)
        found |= {method: _COLUMNS[known]} if known else {}
    return found
