"""`metrics.jsonl`: one line a log, and the loss curve drawn from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict


class Metrics(TypedDict):
    """One line of metrics.jsonl.

    step : steps done; loss : mean over the steps since the last line (smoothed, where the run smooths);
    held_out_loss : null where it was not measured; learning_rate; gradient_norm : before clipping;
    characters_per_second : over the steps since the last line (tokens, where tokens are no characters);
    seconds : of training, earlier runs included.
    """

    step: int
    loss: float
    held_out_loss: float | None
    learning_rate: float
    gradient_norm: float
    characters_per_second: float
    seconds: float


class MetricsFile:
    """Append lines to a file; on resume, first drop the lines past the checkpoint, which will be written again."""

    def __init__(self, path: Path, *, steps_done: int = 0) -> None:
        self.path = path
        kept = [line for line in read_metrics(path) if line["step"] <= steps_done] if steps_done else []
        self._write("w", kept)

    def add(self, line: Metrics) -> None:
        """Append a line."""
        self._write("a", [line])

    def _write(self, mode: str, lines: list[Any]) -> None:
        try:
            with self.path.open(mode, encoding="utf-8") as file:
                file.writelines(json.dumps(line) + "\n" for line in lines)
        except OSError as error:
            raise OSError(error.errno, f"cannot write {self.path}: {error.strerror}") from error


def read_metrics(path: Path) -> list[Metrics]:
    """Lines of a metrics file; a last line that was cut off by a kill is left out."""
    lines: list[Metrics] = []
    if path.exists():
        for text in path.read_text(encoding="utf-8").splitlines():
            try:
                lines.append(json.loads(text))
            except json.JSONDecodeError:
                break
    return lines
