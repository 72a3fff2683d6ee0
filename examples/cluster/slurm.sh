#!/bin/bash
# sbatch slurm.sh: two machines with four GPUs each, a process for each machine. On torch a process for each GPU:
# --ntasks-per-node=4, and LAMINA_BACKEND=torch.
#SBATCH --job-name=lamina
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=01:00:00
#SBATCH --requeue

export LAMINA_BACKEND=jax
export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK # which srun does not take over by itself
# each task finds its number, and where the tasks meet, in Slurm's own variables; a job that is queued again goes on
srun --kill-on-bad-exit=1 python train.py --epochs 10 --checkpoints "$SLURM_SUBMIT_DIR/checkpoints"
