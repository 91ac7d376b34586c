"""Proof of parity: every model trained for 200 steps on every array library that is here, and compared with NumPy.

    python examples/parity.py [BACKEND ...]

The figure is the largest relative difference of the loss at any step. Exit status 1 if one is above 1e-9 in
float64 or 2e-4 in float32.
"""

import sys

import portnn
from portnn.checking import ParityError, check_losses, training_cases, training_losses
from portnn.optimizers import optimizer

STEPS = 200
asked = sys.argv[1:]
names = asked or [status["name"] for status in portnn.backends() if status["available"] and status["name"] != "numpy"]
failures = []
print(f"{STEPS} steps, Adam, gradient norm clipped to 5; largest relative difference of the loss from NumPy's\n")
print(f"{'model':34}{'dtype':10}" + "".join(f"{name:>18}" for name in names))
for case in training_cases():
    for dtype in ("float64", "float32"):

        def losses(name, case=case, dtype=dtype):
            device = "device1" if name == "array-api-strict" else None
            where = portnn.backend(name, device=device, dtype=dtype)
            rates = {"steps": STEPS, "learning_rate": 0.01}
            return training_losses(case.model, optimizer("adam"), case.batches(), where, **rates), where

        expected, _ = losses("numpy")
        cells = []
        for name in names:
            try:
                found, where = losses(name)
                cells.append(f"{check_losses(found, expected, where).error:18.1e}")
            except ParityError as failure:
                failures.append(f"{case.name} {dtype}: {failure}")
                cells.append(f"{'FAILED':>18}")
        print(f"{case.name:34}{dtype:10}" + "".join(cells), flush=True)
print(f"\n{len(failures)} failed" if failures else "\nall within tolerance")
print("\n".join(failures))
sys.exit(1 if failures else 0)
