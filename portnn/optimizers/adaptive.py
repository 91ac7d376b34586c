"""Optimizers that scale the step of every entry by the squares of its gradients so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from portnn.backends import Array
from portnn.optimizers.base import Arrays, Moved, Optimizer, Scalars
from portnn.settings import fraction, positive


@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """Adagrad: each entry's steps shrink with the squares of all its gradients so far.

    Parameters
    ----------
    eps : float, default 1e-10
        Positive, added to the root.
    weight_decay : float, default 0
        L2 penalty.

    Notes
    -----
    With g the gradient, L2 penalty included::

        sum = sum + g^2
        p = p - learning_rate * g / (sqrt(sum) + eps)

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer. Adaptive subgradient methods for online learning and stochastic
       optimization. JMLR 12, 2011.
    """

    name: ClassVar[str] = "adagrad"
    slots: ClassVar[tuple[str, ...]] = ("sum",)
    eps: Annotated[float, positive, "Added to the root, so that no entry is divided by 0."] = 1e-10

    def _rule(self, param: Array, grad: Array, old: Arrays, scalars: Scalars, xp: Any) -> Moved:
        total = grad * grad
        total += old["sum"]
        return _moved(param, grad, total, scalars[0], self.eps, xp), {"sum": total}


@dataclass(frozen=True, kw_only=True)
class RMSprop(Optimizer):
    """RMSprop: steps divided by a running root mean square of the gradient.

    Parameters
    ----------
    decay : float, default 0.99
        Share of the mean square that is kept at each step, in [0, 1).
    eps : float, default 1e-8
        Positive, added to the root.
    weight_decay : float, default 0
        L2 penalty.

    Notes
    -----
    With g the gradient, L2 penalty included::

        square = decay * square + (1 - decay) * g^2
        p = p - learning_rate * g / (sqrt(square) + eps)

    References
    ----------
    .. [1] T. Tieleman, G. Hinton. Lecture 6.5, rmsprop: divide the gradient by a running average of its
       recent magnitude. Neural Networks for Machine Learning, Coursera, 2012.
    """

    name: ClassVar[str] = "rmsprop"
    slots: ClassVar[tuple[str, ...]] = ("square",)
    decay: Annotated[float, fraction, "Share of the mean square that is kept at each step."] = 0.99
    eps: Annotated[float, positive, "Added to the root, so that no entry is divided by 0."] = 1e-8

    @property
    def takes_rows(self) -> bool:
        """No: the mean squares of all rows decay."""
        return False

    def _rule(self, param: Array, grad: Array, old: Arrays, scalars: Scalars, xp: Any) -> Moved:
        square = _mean_square(old["square"], grad, self.decay)
        return _moved(param, grad, square, scalars[0], self.eps, xp), {"square": square}


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam: a running mean of the gradient over its running root mean square, corrected for starting at 0.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Shares of the mean and of the mean square that are kept at each step, in [0, 1).
    eps : float, default 1e-8
        Positive, added to the corrected root.
    weight_decay : float, default 0
        L2 penalty.

    Notes
    -----
    With g the gradient, L2 penalty included, at step t::

        mean   = beta1 * mean   + (1 - beta1) * g
        square = beta2 * square + (1 - beta2) * g^2
        p = p - learning_rate * mean / (1 - beta1^t) / (sqrt(square / (1 - beta2^t)) + eps)

    The corrections are single numbers, so they are taken out of the division of arrays: with
    c = sqrt(1 - beta2^t) the last line is
    ``p - learning_rate * c / (1 - beta1^t) * mean / (sqrt(square) + eps * c)``.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba. Adam: a method for stochastic optimization. ICLR, 2015. https://arxiv.org/abs/1412.6980
    """

    name: ClassVar[str] = "adam"
    slots: ClassVar[tuple[str, ...]] = ("mean", "square")
    beta1: Annotated[float, fraction, "Share of the mean that is kept at each step."] = 0.9
    beta2: Annotated[float, fraction, "Share of the mean square that is kept at each step."] = 0.999
    eps: Annotated[float, positive, "Added to the root, so that no entry is divided by 0."] = 1e-8

    def _scalars(self, learning_rate: Array, step: Array, xp: Any) -> Scalars:
        root = xp.sqrt(_correction(self.beta2, step, xp))
        return -learning_rate * root / _correction(self.beta1, step, xp), root * self.eps

    def _rule(self, param: Array, grad: Array, old: Arrays, scalars: Scalars, xp: Any) -> Moved:
        scale, eps = scalars
        mean = old["mean"] * self.beta1
        mean += grad * (1.0 - self.beta1)
        square = _mean_square(old["square"], grad, self.beta2)
        return _moved(param, mean, square, scale, eps, xp), {"mean": mean, "square": square}


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with weight decay that is decoupled from the gradient.

    Parameters
    ----------
    beta1, beta2, eps : float
        As in `Adam`.
    weight_decay : float, default 0.01
        Each parameter is first multiplied by ``1 - learning_rate * weight_decay``.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter. Decoupled weight decay regularization. ICLR, 2019.
       https://arxiv.org/abs/1711.05101
    """

    name: ClassVar[str] = "adamw"
    weight_decay: float = 0.01

    @property
    def takes_rows(self) -> bool:
        """No: the decay moves all rows."""
        return False

    def _decayed(self, param: Array, grad: Array, learning_rate: Array) -> tuple[Array, Array]:
        return (param * (1.0 - learning_rate * self.weight_decay) if self.weight_decay else param), grad


def _mean_square(old: Array, grad: Array, decay: float) -> Array:
    """``decay * old + (1 - decay) * grad^2``."""
    # A step from the old towards the new would need one array fewer, but cancels where decay is small.
    square = grad * grad
    square *= 1.0 - decay
    square += old * decay
    return square


def _moved(param: Array, direction: Array, square: Array, scale: Array, eps: Any, xp: Any) -> Array:
    """``param + scale * direction / (sqrt(square) + eps)``."""
    root = xp.sqrt(square)
    root += eps
    change = direction * scale
    change /= root
    change += param
    return change


def _correction(beta: float, step: Array, xp: Any) -> Array:
    """``1 - beta^step``, shape (), without the cancellation that costs float32 digits at beta near 1."""
    if not beta:
        return xp.ones_like(step)
    return -xp.expm1(step * math.log(beta))
