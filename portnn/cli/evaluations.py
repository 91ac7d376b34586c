"""Loss and score of an evaluation: in words, and for JSON."""

from __future__ import annotations

from typing import Any

from portnn.estimators import RowEvaluation
from portnn.objectives import OBJECTIVES


def in_words(objective: str, evaluation: RowEvaluation, measured_on: str = "", noun: str = "row") -> str:
    """Loss and score on one line, with the number of rows and what they are."""
    known, count = OBJECTIVES[objective], evaluation.rows
    loss = f"{evaluation.loss:.4f} {known.unit}".rstrip()
    rows = " ".join(filter(None, (f"{count:,}", measured_on, f"{noun}{'s' * (count != 1)}")))
    return f"loss {loss}, {known.score_name} {evaluation.score:.4f} on {rows}"


def as_record(objective: str, evaluation: RowEvaluation, noun: str = "row") -> dict[str, Any]:
    """Loss, score and number of rows for JSON."""
    score_name = OBJECTIVES[objective].score_name.lower()
    return {"loss": evaluation.loss, score_name: evaluation.score, f"{noun}s": evaluation.rows}
