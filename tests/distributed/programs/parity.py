"""Train every model for some steps as the ranks of this job; rank 0 writes the losses of each step to a file.

mpiexec -n 2 python parity.py FILE STEPS [BACKEND [NAME ...]]
"""

import json
import sys
from pathlib import Path

import numpy as np

import portnn
from portnn.backends import tree_map
from portnn.batches import WindowBatches
from portnn.checking import training_cases
from portnn.groups import mpi_group
from portnn.optimizers import optimizer
from portnn.optimizers.schedules import Constant
from portnn.training import Plan, Trainer


def losses(case, backend, group, steps):
    """Loss of each step."""
    lines = []
    plan = Plan(
        optimizer=optimizer("adam"),
        schedule=Constant(0.01),
        clip_norm=5.0,
        log_every=1,
        evaluate_every=steps,
        checkpoint_every=steps,
        divergence_factor=1e9,
    )
    params = tree_map(backend.asarray, case.model.init(np.random.default_rng(0)))
    run = Trainer(case.model, case.batches(), plan, backend, params, on_metrics=lines.append, quiet=True, group=group)
    run.run(steps)
    return [line["loss"] for line in lines]


def main():
    file, steps, name, *names = [*sys.argv[1:], "numpy"][:3] + sys.argv[4:]
    backend = portnn.backend(name, dtype="float64")
    with mpi_group(60.0) as group:
        found = {
            case.name: losses(case, backend, group, int(steps))
            for case in training_cases()
            if not isinstance(case.batches(), WindowBatches) and (not names or case.name in names)
        }
        assert all(other == found for other in group.gather(found)), "the ranks have other losses"
        if group.rank == 0:
            Path(file).write_text(json.dumps({"ranks": group.size, "losses": found}))


if __name__ == "__main__":
    main()
