"""Training by L-BFGS: SciPy's minimiser on the loss of all rows, as a function of one vector of parameters."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning

from portnn.backends import to_host
from portnn.estimators import MLP
from portnn.sklearn.descent import Rows


def minimize(chosen: Any, mlp: MLP, rows: Rows) -> tuple[float, int]:
    """Train a network as an estimator's parameters say; return the loss and the number of iterations."""

    def loss_and_gradient(vector: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        mlp.unpack(vector)
        loss, gradient = mlp.loss_and_gradient(*rows)
        return loss, to_host(gradient).astype(np.float64)

    found = scipy.optimize.minimize(
        loss_and_gradient,
        to_host(mlp.pack()).astype(np.float64),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": chosen.max_iter, "maxfun": chosen.max_fun, "gtol": chosen.tol},
    )
    mlp.unpack(found.x)
    if not found.success:
        warnings.warn(
            f"lbfgs failed to converge after {found.nit} iterations: {found.message}; try a larger max_iter or "
            "standardized inputs",
            ConvergenceWarning,
            stacklevel=4,
        )
    return float(found.fun), int(found.nit)
