"""Gradient clipping, by the norm of all gradients together or entry by entry.

Nothing here branches on a value, so a clipped step can be compiled and never waits for a device.
"""

from __future__ import annotations

from typing import Any

from portnn.backends import Array, without_graph
from portnn.settings import number

__all__ = ["clip_by_global_norm", "clip_by_value", "global_norm"]


@without_graph
def global_norm(grads: dict[str, Array], *, xp: Any) -> Array:
    """Euclidean norm of all gradients as one long vector.

    Parameters
    ----------
    grads : dict of str to array
        Floating arrays of any shapes, at least one.
    xp : namespace
        Array API namespace of the arrays.

    Returns
    -------
    array, shape ()
        ``sqrt(sum of g^2 over every entry of every array)``, in the gradients' dtype.

    Raises
    ------
    ValueError
        If there is no gradient.

    Notes
    -----
    Each array is summed first, then the sums, so that small arrays are not lost beside a large one.
    A dot product needs no temporary array. It needs a contiguous argument, which the packed vector of a
    training step is; others are copied.

    Examples
    --------
    >>> import numpy as np
    >>> float(global_norm({"w": np.asarray([[3.0]]), "b": np.asarray([4.0])}, xp=np))
    5.0
    """
    if not grads:
        raise ValueError("global_norm: there are no gradients")
    vectors = [xp.reshape(grad, (-1,)) for grad in grads.values()]
    squares = [xp.matmul(vector, vector) for vector in vectors]
    return xp.sqrt(squares[0] if len(squares) == 1 else xp.sum(xp.stack(squares)))


@without_graph
def clip_by_global_norm(grads: dict[str, Array], max_norm: float, *, xp: Any) -> tuple[dict[str, Array], Array]:
    """Scale all gradients by one factor, so that their common norm is at most `max_norm`.

    Parameters
    ----------
    grads : dict of str to array
        Floating arrays of any shapes, at least one.
    max_norm : float
        Positive. Infinity clips nothing but still measures.
    xp : namespace
        Array API namespace of the arrays.

    Returns
    -------
    grads : dict of str to array
        Each gradient times ``min(1, max_norm / (norm + 1e-6))``. The direction is kept.
    norm : array, shape ()
        `global_norm` before clipping. Where it is not finite, the clipped gradients are not all finite
        either, so that a diverged step is not taken for a good one.

    Raises
    ------
    ValueError
        If `max_norm` is not positive, or there is no gradient.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov, Y. Bengio. On the difficulty of training recurrent neural networks. ICML,
       2013. https://arxiv.org/abs/1211.5063
    """
    max_norm = _positive("clip_by_global_norm", "max_norm", max_norm)
    norm = global_norm(grads, xp=xp)
    coefficient = max_norm / (norm + 1e-6)
    coefficient = xp.minimum(coefficient, xp.ones_like(coefficient))
    return {name: grad * coefficient for name, grad in grads.items()}, norm


@without_graph
def clip_by_value(grads: dict[str, Array], limit: float, *, xp: Any) -> dict[str, Array]:
    """Limit every entry of every gradient to ``[-limit, limit]``. The direction may change.

    Parameters
    ----------
    grads : dict of str to array
        Floating arrays of any shapes.
    limit : float
        Positive.
    xp : namespace
        Array API namespace of the arrays.

    Returns
    -------
    dict of str to array
        Clipped gradients, of the same names, shapes and dtypes.

    Raises
    ------
    ValueError
        If `limit` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> clip_by_value({"b": np.asarray([-7.0, 0.5, 9.0])}, 5.0, xp=np)["b"].tolist()
    [-5.0, 0.5, 5.0]
    """
    limit = _positive("clip_by_value", "limit", limit)
    return {name: xp.clip(grad, -limit, limit) for name, grad in grads.items()}


def _positive(operation: str, argument: str, value: Any) -> float:
    limit = number(f"{operation}: {argument}", value)
    # `not >` rather than `<=`, so that NaN is refused as well.
    if not limit > 0:
        raise ValueError(f"{operation}: {argument} must be a positive number, got {value}")
    return limit
