"""What training, gradient check and parity proof ask of a model."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from portnn.backends import Array, Namespace

Parameters = dict[str, Array]
"""Parameters, or their gradients, by name."""


class Model(Protocol):
    """A configuration with pure functions of arrays. It holds no array itself.

    A carry goes from one batch to the next (recurrent states): a tuple of arrays or of tuples of them, `()` for a model
    without one.

    Attributes
    ----------
    row_parameters : tuple of str
        Tables (rows, width) whose gradient is a `portnn.backends.RowGradient`, because a batch uses few of their rows.
    frozen_parameters : tuple of str
        Parameters that have no gradient. A step leaves them as they are, unless `measured` returns them.
    trains_apart : bool
        Whether processes that train together do so on batches of their own, and make their tables equal now and then,
        instead of computing every batch together.
    couples_parts : bool
        Whether the loss of a part of a batch depends on the other parts. If so, `loss` also takes ``group``, the
        processes that have a part each, and `gradients` weights the loss, but no penalty, by ``group.weight``.
    """

    @property
    def row_parameters(self) -> tuple[str, ...]:
        """Names of the tables whose gradients come in rows; none unless a model says otherwise."""
        return ()

    @property
    def frozen_parameters(self) -> tuple[str, ...]:
        """Names of the parameters that are not trained; none unless a model says otherwise."""
        return ()

    @property
    def trains_apart(self) -> bool:
        """Whether each of several processes trains on batches and tables of its own; not unless a model says so."""
        return False

    @property
    def couples_parts(self) -> bool:
        """Whether `loss` takes a group; not unless a model says otherwise."""
        return False

    def measured(self, params: Parameters, cache: Any, *, xp: Namespace) -> Parameters:
        """New values of frozen parameters that a step measures, such as running means, from the cache of its loss."""
        return {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""

    def init(self, rng: np.random.Generator) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, in float64; large tables may be float32."""

    def initial_carry(self, batch_size: int) -> Any:
        """Carry before the first batch, on the host; none unless a model says otherwise."""
        return ()

    def loss(self, params: Parameters, batch: Any, carry: Any, *, xp: Namespace) -> tuple[Array, Any, Any]:
        """Return loss (0-d), carry for the next batch, and a cache for `gradients`."""

    def gradients(self, cache: Any, *, xp: Namespace) -> Parameters:
        """Gradients of the loss for every parameter that is trained, shaped like it or a `RowGradient`."""
