"""Identity, for layers without an activation."""

from __future__ import annotations

from typing import NamedTuple

from portnn.backends import Array, Namespace, portable
from portnn.ops.activations.registry import Activation, register

__all__ = ["IdentityCache", "identity", "identity_backward"]


class IdentityCache(NamedTuple):
    """What `identity_backward` needs: nothing."""


@portable
def identity(x: Array, *, xp: Namespace = None) -> tuple[Array, IdentityCache]:
    """Identity, elementwise: ``x`` itself.

    Parameters
    ----------
    x : array (...), real floating

    Returns
    -------
    y : array (...)
        The same array, not a copy.
    cache : IdentityCache
    """
    return x, IdentityCache()


@portable
def identity_backward(dy: Array, cache: IdentityCache, *, xp: Namespace = None) -> Array:
    """Gradient of `identity`: ``dx = dy``, all (...)."""
    return dy


register(Activation("identity", identity, identity_backward))
