"""Gradient descent, with and without momentum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from portnn.backends import Array, RowGradient, SummedRows, scatter_add
from portnn.optimizers.base import Arrays, Moved, Optimizer, Scalars
from portnn.settings import fraction


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Gradient descent, with classical [1]_ or Nesterov [2]_ momentum where `momentum` is positive.

    Parameters
    ----------
    momentum : float, default 0
        In [0, 1).
    nesterov : bool, default False
        Look ahead along the velocity. Needs `momentum`.
    weight_decay : float, default 0
        L2 penalty.

    Notes
    -----
    With g the gradient, L2 penalty included::

        velocity = momentum * velocity + g
        p = p - learning_rate * velocity                      classical
        p = p - learning_rate * (g + momentum * velocity)     Nesterov

    References
    ----------
    .. [1] B. T. Polyak. Some methods of speeding up the convergence of iteration methods. USSR Computational
       Mathematics and Mathematical Physics 4(5), 1964.
    .. [2] I. Sutskever, J. Martens, G. Dahl, G. Hinton. On the importance of initialization and momentum in
       deep learning. ICML, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> sgd, params, grads = SGD(), {"w": np.ones(2)}, {"w": np.asarray([1.0, -2.0])}
    >>> rate, step = np.asarray(0.5), np.asarray(1.0)
    >>> state = sgd.init(params, xp=np)
    >>> params, state = sgd.update(params, grads, state, learning_rate=rate, step=step, xp=np)
    >>> params["w"].tolist()
    [0.5, 2.0]
    """

    name: ClassVar[str] = "sgd"
    momentum: Annotated[float, fraction, "Share of the velocity that is kept at each step."] = 0.0
    nesterov: Annotated[bool, "Look ahead along the velocity."] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise ValueError("sgd: nesterov needs a positive momentum, got 0")

    @property
    def slots(self) -> tuple[str, ...]:
        """One velocity, or nothing without momentum."""
        return ("velocity",) if self.momentum else ()

    @property
    def takes_rows(self) -> bool:
        """Without momentum and decay."""
        return super().takes_rows and not self.momentum

    def _move_rows(
        self, param: Array, grad: RowGradient | SummedRows, old: Arrays, scalars: Scalars, donate: bool, xp: Any
    ) -> Moved:
        # The step is linear in the gradient, so rows of the same id need not be summed first.
        return scatter_add(param, grad.ids, grad.rows, scale=scalars[0], donate=donate, xp=xp), {}

    def _rule(self, param: Array, grad: Array, old: Arrays, scalars: Scalars, xp: Any) -> Moved:
        new: Arrays = {}
        direction = grad
        if self.momentum:
            direction = old["velocity"] * self.momentum
            direction += grad
            new["velocity"] = direction
        if self.nesterov:
            direction = direction * self.momentum
            direction += grad
        change = direction * scalars[0]
        change += param
        return change, new
