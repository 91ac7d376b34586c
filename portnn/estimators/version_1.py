"""Upgrades checkpoints of portnn 0.1 to the current form. All code that knows them is in this file."""

from __future__ import annotations

from typing import Any

from portnn.batches.window_settings import BLOCKS


def upgraded(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts of a checkpoint as this portnn writes them."""
    if facts["version"] != 1 or facts.get("estimator") is None:
        return facts
    now = {**facts, **_UPGRADES[facts["estimator"]](facts)}
    if "run" in facts:
        # In 0.1 every source of batches kept its own position, and a generator.
        step = facts["run"]["step"]
        run = {name: value for name, value in facts["run"].items() if name not in ("position", "random")}
        now["run"] = {**run, "position": step}
    return now


def _char_rnn(facts: dict[str, Any]) -> dict[str, Any]:
    now: dict[str, Any] = {"settings": {**_without(facts["model"], "vocabulary_size"), **facts["corpus"]}}
    if "fit" in facts:
        text = facts["fit"]["text"]
        now["fit"] = _without(facts["fit"], "text")
        now["data"] = _data("text", text["name"], text["tokens"], "tokens", text["sha256"])
    return now


def _table(facts: dict[str, Any]) -> dict[str, Any]:
    network = facts["model"]
    sizes = {"hidden_layer_sizes": network["sizes"][1:-1]}
    now: dict[str, Any] = {"settings": {**sizes, **_without(network, "sizes"), **facts["settings"]}}
    if "fit" in facts:
        table = facts["fit"]["table"]
        now["fit"] = _without(facts["fit"], "table", "measured")
        now["data"] = _data("table", table["name"], table["rows"], "rows", table["sha256"], facts["fit"]["measured"])
    return now


def _word2vec(facts: dict[str, Any]) -> dict[str, Any]:
    network = _without(facts["model"], "vocabulary_size", "negative")
    settings = {**network, **facts["corpus"], **facts["settings"]}
    if (settings["block_size"], settings["shared_negatives"]) == BLOCKS[settings["sg"]]:
        settings |= {"block_size": None, "shared_negatives": None}  # the defaults were recorded as numbers
    now: dict[str, Any] = {"settings": settings}
    if "fit" in facts:
        text = facts["fit"]["text"]
        now["fit"] = {**_without(facts["fit"], "text"), "workers": 1, "batch_size": None}
        now["data"] = _data("text", text["name"], text["words"], "words", text["sha256"])
    return now


_UPGRADES = {
    "CharRNN": _char_rnn,
    **dict.fromkeys(("MLP", "LinearRegression", "LogisticRegression", "SoftmaxRegression"), _table),
    "Word2Vec": _word2vec,
}


def _without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}


def _data(kind: str, name: str, size: int, unit: str, sha256: str, held_out: str | None = None) -> dict[str, Any]:
    return {"kind": kind, "name": name, "size": size, "unit": unit, "sha256": sha256, "held_out": held_out}
