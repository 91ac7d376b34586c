"""`metrics.jsonl`: one line a log, and what reads it."""

import json
from pathlib import Path
from typing import NotRequired, TypedDict


# Without `from __future__ import annotations`: behind it, TypedDict cannot see what is NotRequired.
class Metrics(TypedDict):
    """One line of metrics.jsonl.

    step : steps done; loss : mean over the steps since the last line (smoothed, where the run smooths) or, where a run
    says so, since the epoch began;
    held_out_loss : null where it was not measured; learning_rate; gradient_norm : before clipping,
    null where it was not worked out; seconds : of training, earlier runs included; characters_per_second,
    rows_per_second or words_per_second : over the steps since the last line (tokens, where tokens are no characters).
    """

    step: int
    loss: float
    held_out_loss: float | None
    learning_rate: float
    gradient_norm: float | None
    seconds: float
    characters_per_second: NotRequired[float]
    rows_per_second: NotRequired[float]
    words_per_second: NotRequired[float]


SPEED = {"char": "characters_per_second", "row": "rows_per_second", "word": "words_per_second"}
"""Field of the speed, by what batches are counted in."""


class MetricsFile:
    """Append lines to a file; on resume, first drop the lines past the checkpoint, which will be written again.

    Raises
    ------
    OSError
        If it cannot be written; the message is one line and names the file.
    """

    def __init__(self, path: Path, *, steps_done: int = 0) -> None:
        self.path = path
        kept = [line for line in read_metrics(path) if line["step"] <= steps_done]
        # Under another name first, so that a kill here loses no line.
        draft = path.with_name(f".{path.name}.tmp")
        try:
            draft.write_text("".join(map(_text, kept)), encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            raise self._refusal(error) from error

    def add(self, line: Metrics) -> None:
        """Append a line."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_text(line))
        except OSError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: OSError) -> OSError:
        return OSError(error.errno, f"cannot write {self.path}: {error.strerror or error}")


def _text(line: Metrics) -> str:
    return json.dumps(line) + "\n"


def read_metrics(path: Path) -> list[Metrics]:
    """Lines of a metrics file; a last line that was cut off by a kill is left out."""
    lines: list[Metrics] = []
    if path.exists():
        for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                break
            if not isinstance(line, dict) or not Metrics.__required_keys__ <= line.keys():
                break
            lines.append(Metrics(**line))  # type: ignore[typeddict-item]
    return lines
