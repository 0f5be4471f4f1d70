#!/bin/bash
# A job of Slurm that trains one run on several nodes, a worker on each: sbatch docs/scaling/slurm.sh
# To be given to sbatch in the folder of the repository, on a disk that all nodes have; the data may be anywhere, the
# run's folder is read and written by the first task alone.
#SBATCH --job-name=gan
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-task=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append

# The workers get SIGTERM 120 seconds before the time is over, save and end. A job that was saved (143), lost a worker
# (76, 137) or found the folder still held (75) is put back into the queue and continues; any other end needs a person.
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}"
code=0
srun --kill-on-bad-exit=0 --wait=0 \
    bin/train --preset=modern_large --batch_size=4096 --workdir=runs/large \
    --start_minutes=10 --peer_seconds=30 || code=$?
case $code in
    75 | 76 | 137 | 143) scontrol requeue "$SLURM_JOB_ID" ;;
esac
exit "$code"
