"""Random numbers: drawn on the host by NumPy, moved in bulk, so that every library sees the same ones."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from portnn.settings import checked_number, not_negative


def seed_of(seed: Any) -> int:
    """A seed as Python's int; for None one of 32 bits that the operating system draws.

    Raises
    ------
    TypeError, ValueError
        If it is not a whole number, or negative.
    """
    return secrets.randbits(32) if seed is None else checked_number("seed", seed, int, not_negative)


def generator(seed: int | None) -> np.random.Generator:
    """Random generator (PCG64) for a seed, the same on every machine; see `seed_of`."""
    return np.random.Generator(np.random.PCG64(seed_of(seed)))


def state_to_json(rng: np.random.Generator) -> dict[str, Any]:
    """State of a generator in plain JSON types (its integers are up to 128 bits wide)."""
    state = rng.bit_generator.state
    if state["bit_generator"] != "PCG64":
        raise TypeError(f"only PCG64 states can be saved, got {state['bit_generator']}")
    return dict(state)


def generator_from_json(state: Any) -> np.random.Generator:
    """Generator that goes on where `state_to_json` left off."""
    bits = np.random.PCG64(0)
    bits.state = state
    return np.random.Generator(bits)


def keep_mask(rng: np.random.Generator, shape: tuple[int, ...], rate: float) -> np.ndarray[Any, Any]:
    """Which units dropout keeps: float32 ones with probability 1 - rate, else zeros."""
    return (rng.random(shape, dtype=np.float32) >= rate).astype(np.float32)
