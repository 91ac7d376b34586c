"""Options for images that do not train: those held out to choose a checkpoint, and those for a test at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portnn.cli.conv.training_images import TEST
from portnn.images import ImageLayout

HELD_OUT = 0.1
"""Fraction of the images that is held out, unless that is said."""

HeldOut = Annotated[
    str | None,
    typer.Option(
        help="Images that are measured and not trained on, by which the best checkpoint is chosen: a fraction drawn at "
        f"random, or a file or folder like the one trained on. [default: {HELD_OUT}]",
        metavar="FILE|<float>",
    ),
]
Test = Annotated[
    str | None,
    typer.Option(
        help="Measure the best checkpoint on images that neither train nor choose it: a file or folder like the one "
        f"trained on, or a fraction of its images, such as 0.2. [default: {TEST} of the digits, none of a file]",
        metavar="FILE|<float>",
    ),
]


def test_of(given: str | None, saved: ImageLayout | None, file: Path | None) -> tuple[float, Path | None]:
    """Fraction of the images that is kept for the test, and the file to test on; a resumed run keeps its fraction.

    Raises
    ------
    ValueError
        If the fraction is out of range, or not that of the run to resume.
    """
    kept = saved.test if saved is not None else 0.0 if file else TEST
    try:
        fraction = float(given or "none")
    except ValueError:
        return kept, Path(given) if given else None
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"--test must be a file or a fraction between 0 and 1, got {given}")
    if saved is not None and fraction != kept:
        raise ValueError(f"cannot resume: the run keeps {kept} of the images for a test, not {fraction}")
    return fraction, None
