"""Squared error: a regression."""

from __future__ import annotations

from portnn import ops
from portnn.objectives.label_kinds import VALUES
from portnn.objectives.registry import Objective, register
from portnn.objectives.scores import r2

register(
    Objective(
        name="squared_error",
        forward=ops.squared_error,
        backward=ops.squared_error_backward,
        label=VALUES,
        loss_name="half the squared error",
        unit="",
        score_name="R2",
        predict=lambda outputs: outputs,
        score=r2,
        standardizes=True,
    )
)
