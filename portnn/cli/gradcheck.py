"""`portnn gradcheck`: check every gradient on every array library."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from portnn.backends import Backend, backend, backends
from portnn.checking import GradientError, ParityError, cases, check_gradients, check_parity
from portnn.cli.options import Device, Json, print_json


def gradcheck(
    name: Annotated[
        str,
        typer.Option(
            "--backend",
            envvar="PORTNN_BACKEND",
            show_envvar=True,
            help="One array library; all that are here without it.",
        ),
    ] = "all",
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Check every op and model: its gradients against central differences, its results against NumPy's.

    Everything is computed in float64. The figure is the larger of both relative errors. Exit status 1 if any fails.

    Example: portnn gradcheck --backend torch
    """
    chosen = everything() if name == "all" else [backend(name, device=device, dtype="float64")]
    rows: list[dict[str, Any]] = []
    if not as_json:
        print(f"{'':34}" + "".join(f"{where.name:>18}" for where in chosen))
    for case in cases():
        row: dict[str, Any] = {"case": case.name, "errors": {}, "failures": {}}
        for where in chosen:
            try:
                error = max(c.error for c in check_gradients(case.function, case.arrays, on=where))
                row["errors"][where.name] = max(error, check_parity(case.function, case.arrays, [where])[0].error)
            except (GradientError, ParityError) as failure:
                row["failures"][where.name] = str(failure)
        rows.append(row)
        if not as_json:
            cells = (f"{row['errors'][w.name]:18.1e}" if w.name in row["errors"] else f"{'FAILED':>18}" for w in chosen)
            print(f"{case.name:34}" + "".join(cells), flush=True)
    failed = [f"{row['case']}: {text}" for row in rows for text in row["failures"].values()]
    if as_json:
        print_json({"backends": [str(where) for where in chosen], "cases": rows, "passed": not failed})
    else:
        print(f"{len(rows)} cases on {len(chosen)} backend(s), {len(failed)} failed")
        for text in failed:
            print(text)
    if failed:
        raise typer.Exit(1)


def everything() -> list[Backend]:
    """Every backend that is here, in float64; array-api-strict on its second device."""
    return [
        backend(status["name"], device="device1" if status["name"] == "array-api-strict" else None, dtype="float64")
        for status in backends()
        if status["available"]
    ]
