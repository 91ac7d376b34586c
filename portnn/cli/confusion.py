"""How often each class was predicted as each of the others, as a table in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

Confusion = Annotated[
    bool, typer.Option("--confusion", help="Show how often each class was predicted as each of the others.")
]


def print_confusion(labels: Sequence[str], counts: Any) -> None:
    """Print counts (true, predicted) of classes."""
    width = max(len("true"), *map(len, labels), len(str(counts.max())))
    print("rows: true class, columns: predicted")
    print(" " * width + "".join(f"  {label:>{width}}" for label in labels))
    for label, row in zip(labels, counts, strict=True):
        print(f"{label:>{width}}" + "".join(f"  {count:>{width}}" for count in row))
