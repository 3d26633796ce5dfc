r"""Prints scores of finished evaluations as a Markdown table.

    python experiments/score_table.py --evaluations=out/mine,other=out/theirs --scores=psnr,ssim,epe

A row per evaluation and method, a column per score; before an = stands what the table is to call an entry. The scores
of stage 1 alone, as evaluate_start_frame.py writes them:
    python experiments/score_table.py --evaluations=out/start_frame.json --scores=lpips,road=style.classes.road.share
"""

from absl import flags

from seg2vid_tf.flags import run

EVALUATIONS = flags.DEFINE_list(
    "evaluations", None, "folders of evaluate.py (their --output), JSON files of evaluate_start_frame.py", required=True
)
SCORES = flags.DEFINE_list(
    "scores", None, "columns, by the scores' names in the files, deeper ones by dots", required=True
)
METHODS = flags.DEFINE_list("methods", [], "rows of each evaluation: reconstruction,samples,..; default: all it has")
INTERVALS = flags.DEFINE_bool("intervals", False, "show the 95 % interval of each mean that has one")


def main():
    from seg2vid_tf.evaluation.markdown_table import markdown_table

    print(markdown_table(EVALUATIONS.value, SCORES.value, METHODS.value, INTERVALS.value), end="")


if __name__ == "__main__":
    run(main)
