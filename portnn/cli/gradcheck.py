"""`portnn gradcheck`: check every gradient on every array library, or count the kernels of every step."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from portnn.backends import Backend, backends
from portnn.backends import backend as backend_named
from portnn.backends.libraries import LIBRARIES
from portnn.checking import GradientError, ParityError, cases, check_gradients, check_parity, kernel_counts
from portnn.cli.options import Device, Json, print_json

STEPS = ("training", "evaluation", "sampling")
DIRECTIONS = 5
"""Number of random directions to check gradients along where small arrays are slow: everywhere but on NumPy."""


def gradcheck(
    name: Annotated[
        str,
        typer.Option(
            "--backend",
            envvar="PORTNN_BACKEND",
            show_envvar=True,
            help="One array library; without it, all that are installed.",
        ),
    ] = "all",
    device: Device = None,
    kernels: Annotated[
        bool, typer.Option("--kernels", help="Instead, count the kernels of every step on PyTorch's device meta.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check every op and model: its gradients against central differences, its results against NumPy's.

    Everything is computed in float64. Gradients are differenced entry by entry on NumPy, along random directions
    elsewhere; loss and gradients are compared with NumPy's entry by entry. The figure is the larger of the two relative
    errors. Exit status 1 if any fails.

    With --kernels, nothing is computed and no GPU is needed: the table shows how many kernels a step of each model
    launches with Adam and clipped gradients. A step that looks at a value is an error.

    Example: portnn gradcheck --backend torch
    """
    if kernels:
        print_kernels(as_json)
        return
    chosen = everything() if name == "all" else [backend_named(name, device=device, dtype="float64")]
    rows: list[dict[str, Any]] = []
    if not as_json:
        print(f"{'':44}" + "".join(f"{backend.name:>18}" for backend in chosen))
    for case in cases():
        row: dict[str, Any] = {"case": case.name, "errors": {}, "failures": {}}
        for backend in chosen:
            try:
                directions = None if backend.library.on_host else DIRECTIONS
                compared = check_gradients(case.function, case.arrays, on=backend, directions=directions)
                error = max(comparison.error for comparison in compared)
                row["errors"][backend.name] = max(error, check_parity(case.function, case.arrays, [backend])[0].error)
            except (GradientError, ParityError) as failure:
                row["failures"][backend.name] = str(failure)
        rows.append(row)
        if not as_json:
            cells = (f"{row['errors'][w.name]:18.1e}" if w.name in row["errors"] else f"{'FAILED':>18}" for w in chosen)
            print(f"{case.name:44}" + "".join(cells), flush=True)
    failed = [f"{row['case']}: {text}" for row in rows for text in row["failures"].values()]
    if as_json:
        print_json({"backends": [str(backend) for backend in chosen], "cases": rows, "passed": not failed})
    else:
        print(f"{len(rows)} cases on {len(chosen)} backend(s), {len(failed)} failed")
        for text in failed:
            print(text)
    if failed:
        raise typer.Exit(1)


def print_kernels(as_json: bool) -> None:
    """Print how many kernels each step of each model launches."""
    counts_of: dict[str, dict[str, dict[str, int]]] = {}
    for count in kernel_counts():
        counts_of.setdefault(count.case, {})[count.step] = count.kernels
    if as_json:
        print_json(counts_of)
        return
    print(f"{'':44}" + "".join(f"{step:>12}" for step in STEPS))
    for case, steps in counts_of.items():
        print(f"{case:44}" + "".join(f"{sum(steps[step].values()) if step in steps else '':>12}" for step in STEPS))


def everything() -> list[Backend]:
    """Every available backend, in float64, on the device that its library proposes for such checks."""
    available = [LIBRARIES[status["name"]] for status in backends() if status["available"]]
    return [
        backend_named(library.name, device=device, dtype="float64")
        for library in available
        for device in library.proof_devices
    ]
