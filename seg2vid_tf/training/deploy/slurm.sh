#!/usr/bin/env bash
# Training under Slurm, one task a worker, on as many nodes as there are tasks. Submit it from the root of a checkout on a
# disk that all nodes share, in which the package is installed (.venv-3.11, as `make install` makes it):
#
#   sbatch seg2vid_tf/training/deploy/slurm.sh --data_dir=data/mine --run_dir=runs/mine
#
# A task that dies ends all of them, and so does the time limit, by SIGTERM two minutes before: they save the same step.
# Either way submit the same line once more: --resume stands for a run that has not begun, too.
# With GPUs: add --gpus-per-task; a worker uses every GPU that its task sees.
#SBATCH --job-name=seg2vid-training
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=16G
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@120
set -euo pipefail

if [ -z "${TF_WORKERS:-}" ]; then
  # The batch script itself, on the first node: the nodes in the order in which srun numbers the tasks.
  TF_WORKERS=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed 's/.*/"&:2222"/' | paste -sd,)
  export TF_WORKERS
  exec srun --kill-on-bad-exit=1 bash seg2vid_tf/training/deploy/slurm.sh "$@"
fi
export TF_CONFIG="{\"cluster\": {\"worker\": [$TF_WORKERS]}, \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
exec .venv-3.11/bin/python experiments/train_motion.py --resume "$@"
