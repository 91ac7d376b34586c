"""`own_gpu`: one GPU for each process of a machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

GPUS = re.compile(r"(.*:)?(cuda|gpu)")
"""A name of GPUs that leaves open which: cuda, gpu, level_zero:gpu."""


def own_gpu(wanted: Any, default: str, names: Sequence[str], place: int) -> Any:
    """Device for a process, by its number on the machine, unless it is told which.

    Parameters
    ----------
    wanted : str or object
        Device that was asked for; None is the default.
    default : str
        Name of the default device.
    names : sequence of str
        Names of all devices of the machine, perhaps with the hardware in parentheses.
    place : int
        Number of the process on its machine, from 0.

    Returns
    -------
    str or object
        Name of a GPU, or `wanted` where that names one device or none of the GPUs.

    Examples
    --------
    >>> own_gpu("cuda", "cpu", ["cpu", "cuda:0 (H100)", "cuda:1 (H100)"], 3)
    'cuda:1'
    >>> own_gpu("cuda:0", "cpu", ["cpu", "cuda:0 (H100)", "cuda:1 (H100)"], 3)
    'cuda:0'
    """
    kind = _kind(default) if wanted is None else str(wanted)
    if not GPUS.fullmatch(kind):
        return wanted
    gpus = [name for name in (name.partition(" ")[0] for name in names) if GPUS.fullmatch(_kind(name))]
    # One GPU can have a name for each of two drivers; and JAX takes cuda for what it calls gpu.
    alike = [name for name in gpus if _kind(name) == (kind if wanted is None else _kind(gpus[0]))]
    return alike[place % len(alike)] if alike else wanted


def _kind(name: str) -> str:
    """Name of a device without its number."""
    return re.sub(r":\d+$", "", name)
