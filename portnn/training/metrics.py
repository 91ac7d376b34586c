"""`metrics.jsonl`, one line for each log: written and read."""

import json
from pathlib import Path
from typing import NotRequired, TypedDict


# No `from __future__ import annotations` here: it would hide NotRequired from TypedDict.
class Metrics(TypedDict):
    """One line of metrics.jsonl.

    step : steps done; loss : mean over the steps since the last line or, if the run says so, since the epoch began
    (smoothed, if the run smooths);
    held_out_loss : null if it was not measured; learning_rate; gradient_norm : before clipping,
    null if it was not computed; seconds : of training, earlier runs included; characters_per_second, rows_per_second,
    texts_per_second or words_per_second : over the steps since the last line, or over half a second of training if that
    is longer (characters_per_second counts the tokens of a language model, be they characters, bytes or words).
    """

    step: int
    loss: float
    held_out_loss: float | None
    learning_rate: float
    gradient_norm: float | None
    seconds: float
    characters_per_second: NotRequired[float]
    rows_per_second: NotRequired[float]
    texts_per_second: NotRequired[float]
    words_per_second: NotRequired[float]


class MetricsFile:
    """Appends lines to a file; on resume, first drops the lines past the checkpoint, which will be written again.

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
            raise self._explained(error) from error

    def add(self, line: Metrics) -> None:
        """Append a line."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_text(line))
        except OSError as error:
            raise self._explained(error) from error

    def _explained(self, error: OSError) -> OSError:
        return OSError(error.errno, f"cannot write {self.path}: {error.strerror or error}")


def _text(line: Metrics) -> str:
    return json.dumps(line) + "\n"


def read_metrics(path: Path) -> list[Metrics]:
    """Read the lines of a metrics file, except a last line that a kill cut off."""
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
