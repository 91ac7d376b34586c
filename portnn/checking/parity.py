"""Parity: the same function, or the same training run, on every array library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Backend, generator, native, to_host, tree_map
from portnn.backends import backend as backend_named
from portnn.batches import Batches
from portnn.checking.gradients import Checked, evaluator
from portnn.checking.guards import without_stalls
from portnn.models import Model
from portnn.optimizers import Optimizer
from portnn.settings import number
from portnn.training import StepSettings, init_optimizer, make_step


class ParityError(AssertionError):
    """Two array libraries disagree."""


class Difference(NamedTuple):
    """Worst relative difference from NumPy on one backend, and where it is."""

    backend: str
    error: float
    name: str


def check_parity(
    function: Checked, arrays: Mapping[str, Any], backends: Sequence[Backend], *, tolerance: float | None = None
) -> list[Difference]:
    """Compare a function's loss and gradients on several backends with NumPy's in the same dtype.

    Parameters
    ----------
    function : callable
        ``function(arrays, *, xp) -> (loss, gradients)``, pure, as for `check_gradients`.
    arrays : dict of str to array
        On the host.
    backends : sequence of Backend
    tolerance : float, optional
        Largest difference, relative to the largest entry of each array. By default that of the library, which is 1e-9
        in float64 and 2e-4 in float32 unless its file in `portnn.backends.libraries` says otherwise.

    Returns
    -------
    list of Difference
        The worst of each backend.

    Raises
    ------
    ParityError
        If a difference is above the tolerance.

    Examples
    --------
    >>> import numpy as np, portnn
    >>> def square(arrays, *, xp):
    ...     x = arrays["x"]
    ...     return xp.sum(x * x), {"x": 2.0 * x}
    >>> here = portnn.backend("numpy", dtype="float64")
    >>> portnn.check_parity(square, {"x": np.asarray([1.0, -2.0])}, [here])[0].error
    0.0
    """
    worst, limit = [], None if tolerance is None else number("tolerance", tolerance)
    arrays = {name: native(to_host(array)) for name, array in arrays.items()}
    for backend in backends:
        loss, gradients = evaluator(function, backend_named("numpy", dtype=backend.dtype))(arrays)
        its_loss, its_gradients = evaluator(function, backend)(arrays)
        if set(gradients) != set(its_gradients):
            raise ParityError(f"{backend} gives gradients of {sorted(its_gradients)}, NumPy of {sorted(gradients)}")
        errors = [Difference(str(backend), relative(its_loss, loss), "loss")]
        for name, gradient in gradients.items():
            errors.append(Difference(str(backend), relative(its_gradients[name], gradient), f"gradient of {name}"))
        worst.append(_checked(errors, backend.library.tolerance[backend.dtype] if limit is None else limit))
    return worst


def training_losses(
    model: Model,
    optimizer: Optimizer,
    batches: Batches,
    backend: Backend,
    *,
    steps: int,
    learning_rate: float,
    clip_norm: float | None = 5.0,
    seed: int = 0,
) -> list[float]:
    """Loss at each step of a short training run from the same seed, without any stall."""
    asarray = backend.asarray
    params = tree_map(asarray, model.init(generator(seed)))
    state = init_optimizer(optimizer, model, params, backend)
    step = make_step(model, optimizer, backend, StepSettings(clip_norm=clip_norm))
    losses, carry = [], None
    for position in range(steps):
        batch = batches.at(position)
        if batch.starts:
            carry = tree_map(asarray, model.initial_carry(batches.batch_size))
        scalars = (asarray(np.float64(learning_rate)), asarray(np.float64(position + 1)))
        data = tree_map(asarray, batch.data)
        with without_stalls(backend):
            params, state, carry, loss, _ = step(params, state, data, carry, *scalars)
        losses.append(float(loss))
    return losses


def check_losses(losses: Sequence[float], expected: Sequence[float], backend: Backend) -> Difference:
    """Compare the losses of two runs step by step; raise ParityError where they differ."""
    errors = [
        Difference(str(backend), relative(loss, right), f"loss at step {number}")
        for number, (loss, right) in enumerate(zip(losses, expected, strict=True), start=1)
    ]
    return _checked(errors, backend.library.tolerance[backend.dtype])


def relative(value: Any, right: Any) -> float:
    """Largest difference, relative to the largest expected entry; NaN if any entry is."""
    value, right = np.asarray(value), np.asarray(right)
    if value.shape != right.shape:
        return float("nan")
    scale = max(float(np.max(np.abs(right), initial=0.0)), np.finfo(np.float64).tiny)
    with np.errstate(invalid="ignore"):
        return float(np.max(np.abs(value - right), initial=0.0) / scale)


def _checked(errors: list[Difference], tolerance: float) -> Difference:
    worst = max(errors, key=lambda error: error.error if error.error == error.error else np.inf)
    if not worst.error <= tolerance:
        difference = f"{worst.error:.3g} > {tolerance:g}"
        raise ParityError(f"{worst.backend} differs from NumPy in the {worst.name} by {difference}")
    return worst
