"""Whether the processes of a group are about to do the same thing."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from typing import Any

from portnn.groups.group import Group

SHOWN = 60
"""Longest value that a message shows."""


def check_agreement(group: Group, facts: Mapping[str, Any]) -> None:
    """Raise ValueError in all processes if facts, in plain JSON types, are not the same in all of them.

    The message names the first process that differs from process 0, and in what.
    """
    if group.size == 1:
        return
    for rank, (others, host) in enumerate(group.gather((facts, platform.node()))):
        if rank == 0:
            first = others
            continue
        for name, here, there in _differences("", first, others):
            raise ValueError(
                f"rank {rank} on {host} has {name} {_brief(there)}, but rank 0 has {_brief(here)}; "
                "all processes of a run must be alike"
            )


def _differences(name: str, here: Any, there: Any) -> Iterator[tuple[str, Any, Any]]:
    """Names of what differs in two trees of facts, with both values."""
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for key in {**here, **there}:
            yield from _differences(f"{name}.{key}".lstrip("."), here.get(key), there.get(key))
    elif here != there:
        yield name, here, there


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
