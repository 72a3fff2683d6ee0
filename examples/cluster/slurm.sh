#!/bin/bash
# sbatch slurm.sh: two machines with four GPUs each, a process for each machine.
#SBATCH --job-name=lamina
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --time=01:00:00

export LAMINA_BACKEND=jax
# each task finds its number, and where the tasks meet, in Slurm's own variables
srun --kill-on-bad-exit=1 python train.py --epochs 10 --checkpoints "$SLURM_SUBMIT_DIR/checkpoints"
