"""Options shared by all commands."""

from __future__ import annotations

import json
import math
import sys
from typing import Annotated, Any

import typer

from portnn.backends.libraries import LIBRARIES

BackendName = Annotated[
    str,
    typer.Option(
        "--backend",
        envvar="PORTNN_BACKEND",
        show_envvar=True,
        help=f"Array library: {', '.join(LIBRARIES)}, or auto (CuPy if its GPU works, else NumPy).",
    ),
]
Device = Annotated[str | None, typer.Option("--device", help="Device of the array library, such as cpu or cuda:0.")]
Dtype = Annotated[str | None, typer.Option("--dtype", help="float32 or float64.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(result: Any) -> None:
    """Print a result for programs to read: in ASCII, which every terminal and pipe can write, and without NaN."""
    json.dump(finite(result), sys.stdout, indent=2, allow_nan=False)
    print()


def finite(value: Any) -> Any:
    """A result whose numbers that JSON does not know, NaN and infinities, are None."""
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
