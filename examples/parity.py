"""Proof of parity: every model trained on every installed array library, step by step beside NumPy.

    python examples/parity.py [BACKEND ...]

The table shows the largest relative difference of the loss at any step. Exit status 1 if one is above its library's
tolerance: 1e-9 in float64 or 2e-4 in float32, unless the library's file in portnn.backends.libraries states another.
There are 200 steps, unless the file states another number. Devices without float64 have their own columns.
"""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import portnn
from portnn.backends.libraries import LIBRARIES
from portnn.checking import ParityError, check_losses, training_cases, training_losses
from portnn.optimizers import optimizer
from portnn.process import available_cpus

DTYPES = ("float64", "float32")
MOST = 4
"""Processes at a time."""


def columns(library):
    """Heading and device of each column, and whether the device knows float64."""
    yield from ((library.name, device, True) for device in library.proof_devices)
    yield from ((device, device, False) for device in library.narrow_devices)


def difference(number, dtype, name, device):
    """Largest difference of a case's loss on a library from NumPy's, or what is wrong with it."""
    case, steps = list(training_cases())[number], LIBRARIES[name].proof_steps
    found, expected = (
        training_losses(case.model, optimizer("adam"), case.batches(), backend, steps=steps, learning_rate=0.01)
        for backend in (portnn.backend(name, device=device, dtype=dtype), portnn.backend("numpy", dtype=dtype))
    )
    try:
        return check_losses(found, expected, portnn.backend(name, device=device, dtype=dtype)).error
    except ParityError as failure:
        return f"{case.name} {dtype}: {failure}"


def main():
    available = [status["name"] for status in portnn.backends() if status["available"]]
    asked = sys.argv[1:] or [name for name in available if not LIBRARIES[name].on_host]
    shown = [(name, *column) for name in asked for column in columns(LIBRARIES[name])]
    failures = []
    print("Adam, gradient norm clipped to 5; largest relative difference of the loss from NumPy's\n")
    print(f"{'model':44}{'dtype':10}" + "".join(f"{heading:>18}" for _, heading, _, _ in shown))
    print(f"{'steps':54}" + "".join(f"{LIBRARIES[name].proof_steps:18}" for name, _, _, _ in shown))
    rows = [(number, case.name, dtype) for number, case in enumerate(training_cases()) for dtype in DTYPES]
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # processes that share a GPU
    with ProcessPoolExecutor(min(MOST, available_cpus()), multiprocessing.get_context("spawn")) as processes:
        pending = [
            [
                processes.submit(difference, number, dtype, name, device) if wide or dtype == "float32" else None
                for name, _, device, wide in shown
            ]
            for number, _, dtype in rows
        ]
        for (_, case, dtype), cells in zip(rows, pending, strict=True):
            found = [None if cell is None else cell.result() for cell in cells]
            failures += [cell for cell in found if isinstance(cell, str)]
            print(f"{case:44}{dtype:10}" + "".join(map(written, found)), flush=True)
    print(f"\n{len(failures)} failed" if failures else "\nall within tolerance")
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


def written(cell):
    return f"{'-':>18}" if cell is None else f"{'FAILED':>18}" if isinstance(cell, str) else f"{cell:18.1e}"


if __name__ == "__main__":
    main()
