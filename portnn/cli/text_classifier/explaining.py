"""Each word's part in an answer, as lines of text with bars, or as a picture."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portnn.estimators import Explanation

MOST = 500
"""Words of a text that is explained: each beginning of it is computed."""

LONGEST, HALF = 24, 20
"""Width of the longest word, and of the longest bar to either side."""


def lines_of(explanation: Explanation) -> Iterator[str]:
    """Lines with a word, its part in the logit of the label, a bar for it, and the label's probability after it."""
    names = [shortened(token) for token in explanation.tokens]
    width = max(map(columns_of, [*names, "word"]))
    title = f"p({explanation.label})"
    taken = width + len("  -0.000    ") + max(len(title), len("0.0000")) + len("  unknown")
    half = max(3, min(HALF, (shutil.get_terminal_size().columns - taken - 3) // 2))
    label = explanation.labels.index(explanation.label)
    largest = max(map(abs, explanation.contributions.tolist())) or 1.0
    yield f"  {aligned('word', width)}    part  {'':{2 * half + 1}}  {title}"
    rows = zip(
        names, explanation.known, explanation.contributions.tolist(), explanation.probabilities[:, label], strict=True
    )
    for name, known, part, probability in rows:
        length = round(half * abs(part) / largest)
        bar = f"{'':{half}}|{'+' * length:{half}}" if part > 0.0 else f"{'-' * length:>{half}}|{'':{half}}"
        mark = "" if known else "  unknown"
        yield f"  {aligned(name, width)}  {part:+.3f}  {bar}  {probability:.4f}{mark}"


def record_of(explanation: Explanation) -> dict[str, Any]:
    """The same for JSON."""
    label = explanation.labels.index(explanation.label)
    return {
        "explained": explanation.label,
        "words": [
            {"word": token, "known": known, "part": part, "probability": probability}
            for token, known, part, probability in zip(
                explanation.tokens,
                explanation.known,
                explanation.contributions.tolist(),
                explanation.probabilities[:, label].tolist(),
                strict=True,
            )
        ],
    }


def draw(explanation: Explanation, file: Path) -> None:
    """Draw an explanation to a file.

    Raises
    ------
    ModuleNotFoundError
        If matplotlib is not installed.
    OSError, ValueError
        If the file cannot be written, or its suffix is of no format.
    """
    from portnn.plots import plot_sentence

    plot_sentence(explanation).savefig(file, dpi=144, bbox_inches="tight")


def shortened(token: str) -> str:
    """A token in few columns, with the escapes of what would not be seen."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in token)
    shown = shown if shown.strip() else f"{shown!r}"
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def columns_of(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def aligned(text: str, width: int) -> str:
    """A text at the right of so many columns."""
    return " " * (width - columns_of(text)) + text
