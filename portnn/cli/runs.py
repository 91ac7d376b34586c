"""A training run seen from the command line: the one to go on with, and the picture of its loss."""

from __future__ import annotations

import sys
from typing import Any

from portnn.checkpoints import load_checkpoint
from portnn.estimators import check_resumable
from portnn.training import RunFolder


def saved_facts(folder: RunFolder, estimator: str) -> dict[str, Any] | None:
    """What the checkpoint of the run to resume knows of it; None, where the run has not come to its first one."""
    if not folder.last.exists():
        print(f"no checkpoint in {folder.path} yet: the run starts", file=sys.stderr)
        return None
    facts = load_checkpoint(folder.last)[1]
    check_resumable(facts, estimator)
    print(f"the run in {folder.path} goes on after step {facts['run']['step']}", file=sys.stderr)
    return facts


def draw_curve(folder: RunFolder, runs: Any, **look: Any) -> tuple[bool, str]:
    """Draw the loss curve of what `portnn.plots.plot_loss` takes.

    Returns
    -------
    drawn : bool
    trouble : str
        Why not: a run is no failure for want of a picture.
    """
    from portnn.plots import plot_loss

    try:
        plot_loss(runs, **look).savefig(folder.curve, dpi=144)
    except ModuleNotFoundError:
        return False, 'not drawn: matplotlib is not installed; python -m pip install "portnn[plot]"'
    except OSError as error:
        return False, f"not drawn: cannot write {folder.curve}: {error.strerror or error}"
    return True, ""
