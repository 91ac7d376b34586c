"""Models from checkpoints, for commands that take one kind."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from portnn.checkpoints import CheckpointError
from portnn.estimators import load

Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint, such as portnn-out/best.safetensors.")]
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
