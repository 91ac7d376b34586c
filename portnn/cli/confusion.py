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


def print_answers(labels: Sequence[str], counts: Any) -> None:
    """Print counts (labels, 2, 2) of yes-or-no questions: for each label, without and with it, not given it and given.

    The rows and columns of `portnn.TextClassifier.confusion`, one label a line.
    """
    width = max(len("label"), *map(len, labels))
    names = ("found", "missed", "wrong", "rightly not")
    print(f"{'label':>{width}}" + "".join(f"  {name:>{len(name)}}" for name in names))
    for label, ((rightly_not, wrong), (missed, found)) in zip(labels, counts.tolist(), strict=True):
        row = zip(names, (found, missed, wrong, rightly_not), strict=True)
        print(f"{label:>{width}}" + "".join(f"  {count:>{len(name)}}" for name, count in row))
