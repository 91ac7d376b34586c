"""Models from checkpoints, for commands that take one kind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from portnn.checkpoints import CheckpointError
from portnn.estimators import load
from portnn.training import checkpoint_at


def checkpoint_of(path: Path) -> Path:
    """Checkpoint that a path stands for; if it is a run's folder, stderr says which."""
    checkpoint = checkpoint_at(path)
    if checkpoint != path:
        print(f"checkpoint {checkpoint}", file=sys.stderr)
    return checkpoint


Checkpoint = Annotated[
    Path,
    typer.Argument(help="A checkpoint, or a run's folder for its best one, else its last.", callback=checkpoint_of),
]
Model = TypeVar("Model")


def load_model(path: Path, kind: type[Model], *, backend: str, device: str | None, dtype: str | None) -> Model:
    """Load a model of one kind.

    Raises
    ------
    CheckpointError
        If the checkpoint holds another kind.
    """
    model = load(path, backend=backend, device=device, dtype=dtype)
    if not isinstance(model, kind):
        raise CheckpointError(f"{path} is a checkpoint of {type(model).__name__}, not of {kind.__name__}")
    return model
