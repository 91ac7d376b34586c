"""What the tests of operations share."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from portnn import ops
from portnn.backends import tree_map
from portnn.checking import frozen, without_stalls


@pytest.fixture(scope="session")
def run(backend):
    """Forward and backward of an op on host arrays, compiled once: (results, gradients) on the host."""
    xp = backend.xp

    @functools.cache
    def compiled(name, options):
        forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")

        def both(arrays, dresults, named):
            *results, cache = forward(*arrays, **named, **dict(options), xp=xp)
            return tuple(results), backward(*dresults, cache, xp=xp)

        return backend.compile(both)

    def forward_and_backward(name, arrays, dresults, named=None, on=backend, **options):
        """`named` are arrays passed by name, `options` are not arrays."""
        given = (tuple(arrays), tuple(dresults), named or {})
        placed = tree_map(lambda array: frozen(on.asarray(array)), given)
        with without_stalls(on):
            results = compiled(name, tuple(options.items()))(*placed)
        return tree_map(on.to_host, results)

    return forward_and_backward


@pytest.fixture(scope="session")
def stranger(backend):
    """Array of another library than the one under test."""
    if backend.name != "numpy":
        return np.ones((2, 3))
    import array_api_strict

    return array_api_strict.ones((2, 3), dtype=array_api_strict.float64)
