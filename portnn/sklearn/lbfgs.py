"""Training by L-BFGS: SciPy minimizes the loss of all rows as a function of one vector of parameters."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning

from portnn.backends import to_host
from portnn.sklearn.descent import Rows
from portnn.sklearn.fitted import Network


def minimize(estimator: Any, network: Network, rows: Rows) -> tuple[float, int]:
    """Train a network with an estimator's parameters; return the loss and the number of iterations.

    Raises
    ------
    ValueError
        If the loss is not finite.
    """

    def loss_and_gradient(vector: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        network.unpack(vector)
        with np.errstate(all="ignore"):  # the loss shows what is not finite
            loss, gradient = network.loss_and_gradient(*rows)
        return loss, to_host(gradient).astype(np.float64)

    before = network.params
    try:
        result = scipy.optimize.minimize(
            loss_and_gradient,
            to_host(network.pack()).astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            options={"maxiter": estimator.max_iter, "maxfun": estimator.max_fun, "gtol": estimator.tol},
        )
        if not math.isfinite(result.fun):
            raise ValueError(f"lbfgs ended in a loss of {result.fun}; are there large values in X or y?")
    except BaseException:
        network.params = before  # a point that was only tried is no result
        raise
    network.unpack(result.x)
    if not result.success:
        warnings.warn(
            f"lbfgs failed to converge after {result.nit} iterations: {result.message}; try a larger max_iter or "
            "standardized inputs",
            ConvergenceWarning,
            stacklevel=4,
        )
    return float(result.fun), int(result.nit)
