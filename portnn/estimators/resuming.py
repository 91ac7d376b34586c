"""Whether a checkpoint and the run that is to go on from it are one and the same."""

from __future__ import annotations

import hashlib
from typing import Any

from portnn.text import Corpus
from portnn.training import CheckpointError

PIECE = 1 << 22


def check_resumable(facts: dict[str, Any]) -> None:
    """Refuse a checkpoint that no training run of a CharRNN has written."""
    if facts.get("estimator") != "CharRNN":
        raise CheckpointError(f"the checkpoint holds {facts.get('estimator')!r}, expected a CharRNN")
    if "fit" not in facts or "run" not in facts:
        raise CheckpointError("the checkpoint holds a model but no training state, so there is nothing to resume")


def check_same_settings(facts: dict[str, Any], **now: Any) -> None:
    """Refuse to go on with other settings than those of the checkpoint; the message names the first."""
    then = {**facts["model"], **facts["corpus"], "dtype": facts["dtype"], **facts["fit"]}
    for name, value in now.items():
        if then[name] != value:
            raise CheckpointError(f"cannot resume: the checkpoint has {name} {then[name]!r}, not {value!r}")


def check_same_text(facts: dict[str, Any], now: dict[str, Any]) -> None:
    """Refuse to go on with another text, whatever its name."""
    then = facts["fit"]["text"]
    if then["tokens"] != now["tokens"]:
        raise CheckpointError(
            f"cannot resume: {now['name']} has {now['tokens']} tokens, but the text trained on, {then['name']}, "
            f"had {then['tokens']}"
        )
    if then["sha256"] != now["sha256"]:
        raise CheckpointError(f"cannot resume: {now['name']} is not the text trained on, {then['name']}")


def text_facts(corpus: Corpus) -> dict[str, Any]:
    """What tells one text from another, in plain JSON types."""
    digest = hashlib.sha256()
    for start in range(0, len(corpus), PIECE):
        digest.update(corpus.ids[start : start + PIECE].data)
        corpus.release()
    return {"name": corpus.name, "tokens": len(corpus), "sha256": digest.hexdigest()}
