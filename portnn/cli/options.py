"""Options shared by all commands."""

from __future__ import annotations

import json
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
    """Print a result for programs to read."""
    json.dump(result, sys.stdout, indent=2, ensure_ascii=False)
    print()
