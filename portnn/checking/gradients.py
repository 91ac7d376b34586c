"""Gradient checks: central differences against gradients derived by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, Namespace, generator, native, to_host
from portnn.backends import backend as backend_named
from portnn.checking.guards import frozen, without_stalls
from portnn.settings import number, whole_number

Checked = Callable[..., tuple[Array, Mapping[str, Array]]]
"""``function(arrays, *, xp) -> (loss, gradients)``: arrays and gradients are dicts by name, loss is 0-d."""

ENTRIES = 2000
"""Up to this many entries are perturbed one by one; beyond that, random directions are used."""


class GradientError(AssertionError):
    """A gradient does not agree with central differences."""


class Comparison(NamedTuple):
    """Worst disagreement within one array (or along one random direction through all).

    Attributes
    ----------
    name : str
    error : float
        ``|analytic - numeric| / max(|analytic|, |numeric|, floor)``; infinite where that is not a number.
    where : tuple of int
        Index of the entry; empty for a direction.
    analytic, numeric : float
    """

    name: str
    error: float
    where: tuple[int, ...]
    analytic: float
    numeric: float


def check_gradients(
    function: Checked,
    arrays: Mapping[str, Any],
    *,
    on: Backend | None = None,
    step: float = 1e-5,
    tolerance: float = 1e-5,
    floor: float = 1e-4,
    directions: int | None = None,
    seed: int | None = 0,
) -> list[Comparison]:
    """Compare the gradients that a function gives with central differences of its loss, in float64.

    Parameters
    ----------
    function : callable
        ``function(arrays, *, xp) -> (loss, gradients)``, pure. `loss` is a 0-d array, `gradients` a dict with
        an entry for every array to be checked; arrays without one (ids, masks) are constants.
    arrays : dict of str to array
        On the host (NumPy), floating or integer. Keep away from kinks, such as relu at 0.
    on : Backend, optional
        Where to compute, in float64; NumPy without it.
    step : float
        Half the width of the differences.
    tolerance : float
        Largest relative error that passes.
    floor : float
        Gradients smaller than this are compared absolutely, at ``tolerance * floor``.
    directions : int, optional
        Check along this many random directions through all arrays at once, instead of entry by entry. By default, up to
        2000 entries in all are checked one by one; beyond that, 3 directions.
    seed : int
        Of the directions; None draws one.

    Returns
    -------
    list of Comparison
        The worst entry of each array, or each direction.

    Raises
    ------
    GradientError
        If an error is above the tolerance, or not finite.
    ValueError
        If the function gives no gradient, or one for an array it was not given, of another shape, or of
        integers; if the backend is not of dtype float64.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> def square(arrays, *, xp):
    ...     x = arrays["x"]
    ...     return xp.sum(x * x), {"x": 2.0 * x}
    >>> portnn.check_gradients(square, {"x": np.asarray([1.0, -2.0])})[0].error < 1e-8
    True
    """
    backend = on if on is not None else backend_named("numpy", dtype="float64")
    if backend.dtype != "float64":
        raise ValueError(f"gradients are checked in float64, but the backend is {backend}")
    step, tolerance, floor = number("step", step), number("tolerance", tolerance), number("floor", floor)
    host = {name: np.array(native(to_host(array))) for name, array in arrays.items()}
    host = {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in host.items()}
    evaluate = evaluator(function, backend)

    def loss_at(moved: dict[str, np.ndarray[Any, Any]]) -> float:
        return evaluate({**host, **moved})[0]

    _, gradients = evaluate(host)
    if not gradients:
        raise ValueError("the function gives no gradient, so there is nothing to check")
    for name, gradient in gradients.items():
        if name not in host or gradient.shape != host[name].shape:
            shape = host[name].shape if name in host else None
            raise ValueError(f"gradient {name} has shape {gradient.shape}, but the arrays have {shape}")
        if host[name].dtype.kind != "f":
            raise ValueError(f"there is a gradient of {name}, but its dtype is {host[name].dtype}")
    entries = sum(gradient.size for gradient in gradients.values())
    if directions is None and entries > ENTRIES:
        directions = 3
    if directions is None:
        comparisons = [_entry_by_entry(name, host[name], gradients[name], loss_at, step, floor) for name in gradients]
    else:
        rng = generator(seed)
        comparisons = [
            _along(k, rng, host, gradients, loss_at, step, floor) for k in range(whole_number("directions", directions))
        ]
    wrong = [comparison for comparison in comparisons if comparison.error > tolerance]
    if wrong:
        worst = max(wrong, key=lambda comparison: comparison.error)
        raise GradientError(
            f"gradient of {worst.name}{list(worst.where) if worst.where else ''} on {backend}: by hand "
            f"{worst.analytic:.10g}, by central differences {worst.numeric:.10g}, relative error "
            f"{worst.error:.3g} > {tolerance:g}; wrong in all: {', '.join(c.name for c in wrong)}"
        )
    return comparisons


def evaluator(
    function: Checked, backend: Backend
) -> Callable[[Mapping[str, Any]], tuple[float, dict[str, np.ndarray[Any, Any]]]]:
    """Function from host arrays to loss and gradients on the host, computed on a backend without any stall."""
    xp: Namespace = backend.xp

    def call(arrays: Mapping[str, Array]) -> tuple[Array, Mapping[str, Array]]:
        return function(arrays, xp=xp)

    compiled = backend.compile(call)

    def evaluate(host: Mapping[str, Any]) -> tuple[float, dict[str, np.ndarray[Any, Any]]]:
        placed = {name: frozen(backend.asarray(array)) for name, array in host.items()}
        with without_stalls(backend):
            loss, gradients = compiled(placed)
        return float(loss), {name: backend.to_host(gradient) for name, gradient in gradients.items()}

    return evaluate


def _error(analytic: float, numeric: float, floor: float) -> float:
    error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), floor)
    return error if error == error else math.inf


def _entry_by_entry(
    name: str, array: Any, gradient: Any, loss_at: Callable[..., float], step: float, floor: float
) -> Comparison:
    worst: Comparison | None = None
    for index in np.ndindex(array.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = array.copy()
            moved[index] += sign * step
            ends.append(loss_at({name: moved}))
        numeric, analytic = (ends[0] - ends[1]) / (2.0 * step), float(gradient[index])
        error = _error(analytic, numeric, floor)
        if worst is None or error > worst.error:
            worst = Comparison(name, error, index, analytic, numeric)
    if worst is None:
        raise ValueError(f"{name} is empty, so there is nothing to check")
    return worst


def _along(
    number: int, rng: Any, host: Any, gradients: Any, loss_at: Callable[..., float], step: float, floor: float
) -> Comparison:
    direction = {name: rng.normal(size=gradient.shape) for name, gradient in gradients.items()}
    length = np.sqrt(sum(np.sum(part * part) for part in direction.values()))
    ends = [
        loss_at({name: host[name] + sign * step / length * part for name, part in direction.items()})
        for sign in (1.0, -1.0)
    ]
    numeric = (ends[0] - ends[1]) / (2.0 * step)
    with np.errstate(invalid="ignore"):  # a gradient that is not finite is detected all the same
        analytic = float(sum(np.sum(gradients[name] * part) for name, part in direction.items()) / length)
    return Comparison(f"direction {number}", _error(analytic, numeric, floor), (), analytic, numeric)
