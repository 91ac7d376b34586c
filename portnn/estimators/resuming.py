"""Whether a checkpoint and the run that is to go on from it are one and the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from portnn.backends import to_host
from portnn.checkpoints import CheckpointError, load_checkpoint
from portnn.checkpoints.checkpoint import Arrays
from portnn.models import RowBatch
from portnn.text import Corpus
from portnn.training import RunFolder

PIECE = 1 << 22


def open_run(
    out: str | os.PathLike[str] | None, *, resume: bool, overwrite: bool, estimator: str
) -> tuple[RunFolder | None, tuple[Arrays, dict[str, Any]] | None]:
    """Folder of a run, and the checkpoint in it to go on from, if there are any.

    Raises
    ------
    ValueError
        If the folder holds a run and neither `resume` nor `overwrite` was said, or they contradict each other.
    CheckpointError
        If no training run of this estimator wrote the checkpoint.
    """
    if resume and overwrite:
        raise ValueError("resume goes on with a run and overwrite replaces it; give one of them")
    if out is None:
        if resume:
            raise ValueError("resume needs out, the folder of the run to go on with")
        return None, None
    folder = RunFolder(Path(out))
    if resume and folder.last.exists():
        saved = load_checkpoint(folder.last)
        check_resumable(saved[1], estimator)
        return folder, saved
    if folder.holds_run and not (resume or overwrite):
        raise ValueError(f"{folder.path} holds a run already: resume it, overwrite it, or name another folder")
    return folder, None


def check_resumable(facts: dict[str, Any], estimator: str) -> None:
    """Refuse a checkpoint that no training run of this estimator has written."""
    if facts.get("estimator") != estimator:
        raise CheckpointError(f"the checkpoint holds {facts.get('estimator')!r}, not {estimator!r}")
    if "fit" not in facts or "run" not in facts:
        raise CheckpointError("the checkpoint holds a model but no training state, so there is nothing to resume")


def check_same_settings(facts: dict[str, Any], **now: Any) -> None:
    """Refuse to go on with other settings than those of the checkpoint; the message names the first."""
    then = {**facts["model"], **facts.get("corpus", {}), "dtype": facts["dtype"], **facts["fit"]}
    for name, value in now.items():
        if then[name] != value:
            raise CheckpointError(f"cannot resume: the checkpoint has {name} {then[name]!r}, not {value!r}")


def check_same_data(facts: dict[str, Any], now: dict[str, Any], what: str, unit: str) -> None:
    """Refuse to go on with other data, whatever their name; `what` is the fact that describes them."""
    then = facts["fit"][what]
    if then[unit] != now[unit]:
        raise CheckpointError(
            f"cannot resume: {now['name']} has {now[unit]} {unit}, but the {what} trained on, {then['name']}, "
            f"had {then[unit]}"
        )
    if then["sha256"] != now["sha256"]:
        raise CheckpointError(f"cannot resume: {now['name']} is not the {what} trained on, {then['name']}")


def text_facts(corpus: Corpus) -> dict[str, Any]:
    """What tells one text from another, in plain JSON types."""
    digest = hashlib.sha256()
    for start in range(0, len(corpus), PIECE):
        digest.update(corpus.ids[start : start + PIECE].data)
        corpus.release()
    return {"name": corpus.name, "tokens": len(corpus), "sha256": digest.hexdigest()}


def table_facts(rows: RowBatch) -> dict[str, Any]:
    """What tells one table from another, in plain JSON types."""
    digest = hashlib.sha256()
    arrays: Iterable[Any] = (array for array in (rows.x, rows.targets, rows.weights) if array is not None)
    for array in arrays:
        digest.update(to_host(array).tobytes())
    return {"name": "the table given", "rows": int(rows.x.shape[0]), "sha256": digest.hexdigest()}
