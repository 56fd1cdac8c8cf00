#!/usr/bin/env bash
# Training on four nodes, one process a node: sbatch examples/slurm.sh. When its time is nearly up, Slurm sends SIGTERM, all
# processes stop with a checkpoint, and the job is put into the queue again, where it goes on to the same bits. It may come back
# with another number of nodes.
#SBATCH --job-name=pixelrnn
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=12:00:00
#SBATCH --signal=TERM@300
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
data=${DATA:-$HOME/cifar10} run=${RUN:-$HOME/run}

# Open MPI: pmix; MPICH, and those of its kin: pmi2. `srun --mpi=list` says what there is.
srun --mpi="${MPI:-pmix}" --kill-on-bad-exit=1 \
    pixelrnn train --preset cifar10-row --data "$data" --valid-last 5000 --batch 64 --out "$run" --resume
code=$?

# 1: stopped, or failed. A run that is not at its end goes on.
if [ $code -ne 0 ] && [ -e "$run/checkpoint.safetensors" ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 20 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
