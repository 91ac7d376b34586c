"""Proof of parity: every model trained for 200 steps on every installed array library, and compared with NumPy.

    python examples/parity.py [BACKEND ...]

The table shows the largest relative difference of the loss at any step. Exit status 1 if one is above its library's
tolerance: 1e-9 in float64 or 2e-4 in float32, unless the library's file in portnn.backends.libraries states another.
Devices without float64 have their own columns.
"""

import sys

import portnn
from portnn.backends.libraries import LIBRARIES
from portnn.checking import ParityError, check_losses, training_cases, training_losses
from portnn.optimizers import optimizer

STEPS = 200
RATES = {"steps": STEPS, "learning_rate": 0.01}


def columns(library):
    """Heading and device of each column, and whether the device knows float64."""
    yield from ((library.name, device, True) for device in library.proof_devices)
    yield from ((device, device, False) for device in library.narrow_devices)


def losses(name, device, dtype, case):
    backend = portnn.backend(name, device=device, dtype=dtype)
    return training_losses(case.model, optimizer("adam"), case.batches(), backend, **RATES), backend


available = [status["name"] for status in portnn.backends() if status["available"]]
asked = sys.argv[1:] or [name for name in available if not LIBRARIES[name].on_host]
shown = [(name, *column) for name in asked for column in columns(LIBRARIES[name])]
failures = []
print(f"{STEPS} steps, Adam, gradient norm clipped to 5; largest relative difference of the loss from NumPy's\n")
print(f"{'model':44}{'dtype':10}" + "".join(f"{heading:>18}" for _, heading, _, _ in shown))
for case in training_cases():
    for dtype in ("float64", "float32"):
        expected, _ = losses("numpy", None, dtype, case)
        cells = []
        for name, _, device, wide in shown:
            if dtype == "float64" and not wide:
                cells.append(f"{'-':>18}")
                continue
            try:
                found, backend = losses(name, device, dtype, case)
                cells.append(f"{check_losses(found, expected, backend).error:18.1e}")
            except ParityError as failure:
                failures.append(f"{case.name} {dtype}: {failure}")
                cells.append(f"{'FAILED':>18}")
        print(f"{case.name:44}{dtype:10}" + "".join(cells), flush=True)
print(f"\n{len(failures)} failed" if failures else "\nall within tolerance")
print("\n".join(failures))
sys.exit(1 if failures else 0)
