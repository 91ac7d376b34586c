"""Optimizers: pure functions from (parameters, gradients, state) to (parameters, state).

An optimizer is a frozen dataclass that holds numbers only. All that changes during training is in the
arrays that go in and come out, so one text runs eagerly, under ``jax.jit`` and in a captured graph. The
rules are those of ``torch.optim``.

In-place operators touch only arrays that the same function has just made; on a library whose arrays are
immutable they rebind the name instead. Passes over each parameter on NumPy: SGD 2, with momentum 4, with
Nesterov's 6, Adagrad 7, RMSprop 9, Adam 12; weight decay adds 1 or 2.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from numbers import Real
from typing import Any, ClassVar

from portnn.backends import Array

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "optimizer"]

Arrays = dict[str, Array]
State = dict[str, Arrays]
Scalars = tuple[Array, ...]
Moved = tuple[Array, Arrays]


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """What the optimizers share: checked options, state from zero, the loop over parameters, a form for JSON.

    Parameters
    ----------
    weight_decay : float, default 0
        L2 penalty: this multiple of the parameter joins its gradient.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If an option is out of its range.
    """

    name: ClassVar[str]
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type == "bool":
                if not isinstance(value, bool):
                    raise TypeError(f"{self.name}: {field.name} must be True or False, got {value!r}")
                continue
            if isinstance(value, bool) or not isinstance(value, Real):
                raise TypeError(f"{self.name}: {field.name} must be a number, got {value!r}")
            # A NumPy scalar would widen float32 arrays to its own dtype; a Python float does not.
            object.__setattr__(self, field.name, value := float(value))
            # Comparisons with NaN are false, so NaN fails each of these too. An eps of 0 is refused because
            # an entry that never had a gradient would become 0 / 0.
            valid, expected = {
                "eps": (0.0 < value < math.inf, "a positive number"),
                "weight_decay": (0.0 <= value < math.inf, "0 or a positive number"),
            }.get(field.name, (0.0 <= value < 1.0, "in [0, 1)"))
            if not valid:
                raise ValueError(f"{self.name}: {field.name} must be {expected}, got {value:g}")

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the state, each of which holds one array for every parameter."""
        raise NotImplementedError

    def init(self, params: Arrays, *, xp: Any) -> State:
        """State before the first update: zeros like each parameter, ``{slot: {name: array}}``."""
        return {slot: {name: xp.zeros_like(param) for name, param in params.items()} for slot in self.slots}

    def update(
        self, params: Arrays, grads: Arrays, state: State, *, learning_rate: Array, step: Array, xp: Any
    ) -> tuple[Arrays, State]:
        """One step downhill.

        Parameters
        ----------
        params, grads : dict of str to array
            Parameters and the gradient of the loss for each, of the same names, shapes and floating dtype.
        state : dict of str to dict of str to array
            From `init` or the update before.
        learning_rate, step : array, shape ()
            Of the parameters' dtype. `step` is 1 for the first update.
        xp : namespace
            Array API namespace of all of these.

        Returns
        -------
        tuple of (params, state)
            New dictionaries of new arrays. The arguments are left as they were.

        Raises
        ------
        TypeError
            If dtypes differ, or `learning_rate` or `step` is not an array of shape ().
        ValueError
            If names or shapes differ, or the state belongs to another optimizer.
        """
        self._check(params, grads, state, {"learning_rate": learning_rate, "step": step})
        scalars = self._scalars(learning_rate, step, xp)
        moved: Arrays = {}
        kept: State = {slot: {} for slot in self.slots}
        for name, param in params.items():
            old = {slot: arrays[name] for slot, arrays in state.items()}
            start, grad = self._decayed(param, grads[name], learning_rate)
            moved[name], new = self._rule(start, grad, old, scalars, xp)
            for slot, array in new.items():
                kept[slot][name] = array
        return moved, kept

    def to_json(self) -> dict[str, Any]:
        """Name and options, for a checkpoint; ``optimizer(**record)`` makes an equal optimizer."""
        return {"name": self.name, **asdict(self)}

    def _scalars(self, learning_rate: Array, step: Array, xp: Any) -> Scalars:
        """Work out once for all parameters what the rule needs: minus the learning rate, if no more."""
        return (-learning_rate,)

    def _decayed(self, param: Array, grad: Array, learning_rate: Array) -> tuple[Array, Array]:
        """Add the L2 penalty to the gradient; without one the arguments themselves, not to be written to."""
        if self.weight_decay:
            penalty = param * self.weight_decay
            penalty += grad
            grad = penalty
        return param, grad

    def _rule(self, param: Array, grad: Array, old: Arrays, scalars: Scalars, xp: Any) -> Moved:
        """Return the new value of one parameter, and its new state by slot."""
        raise NotImplementedError

    def _check(self, params: Arrays, grads: Arrays, state: State, scalars: Arrays) -> None:
        # Names, shapes and dtypes, never values, so nothing waits for a device. A wider dtype in any of them
        # would widen the parameters without a word.
        if state.keys() != set(self.slots):
            raise ValueError(f"{self.name}: the state has {sorted(state)}, expected {sorted(self.slots)}")
        for what, arrays in {"grads": grads, **state}.items():
            if arrays.keys() != params.keys():
                odd = sorted(arrays.keys() ^ params.keys())
                raise ValueError(f"{self.name}: {what} and params differ in the names {odd}")
            for name, param in params.items():
                array, label = arrays[name], f"{self.name}: {what}[{name!r}]"
                if array.shape != param.shape:
                    shapes = tuple(array.shape), tuple(param.shape)
                    raise ValueError(f"{label} has shape {shapes[0]}, its parameter {shapes[1]}")
                if array.dtype != param.dtype:
                    raise TypeError(f"{label} has dtype {array.dtype}, its parameter {param.dtype}")
        for what, scalar in scalars.items():
            for name, param in params.items():
                if getattr(scalar, "shape", None) != () or scalar.dtype != param.dtype:
                    expected = f"an array of shape () and of params[{name!r}]'s dtype {param.dtype}"
                    is_array = hasattr(scalar, "dtype")
                    got = f"shape {tuple(scalar.shape)}, dtype {scalar.dtype}" if is_array else repr(scalar)
                    raise TypeError(f"{self.name}: {what} must be {expected}, got {got}")


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
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and not self.momentum:
            raise ValueError("sgd: nesterov needs a positive momentum, got 0")

    @property
    def slots(self) -> tuple[str, ...]:
        """One velocity, or nothing without momentum."""
        return ("velocity",) if self.momentum else ()

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
    eps: float = 1e-10

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
    decay: float = 0.99
    eps: float = 1e-8

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
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

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

    def _decayed(self, param: Array, grad: Array, learning_rate: Array) -> tuple[Array, Array]:
        return (param * (1.0 - learning_rate * self.weight_decay) if self.weight_decay else param), grad


def _mean_square(old: Array, grad: Array, decay: float) -> Array:
    """``decay * old + (1 - decay) * grad^2``."""
    # A step from the old towards the new would need one array less, but cancels where decay is small.
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


_KNOWN: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "sgd": (SGD, {}),
    "momentum": (SGD, {"momentum": 0.9}),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}),
    **{kind.name: (kind, {}) for kind in (Adagrad, RMSprop, Adam, AdamW)},
}


def optimizer(name: str, **options: Any) -> Optimizer:
    """Make an optimizer from its name.

    Parameters
    ----------
    name : str
        ``sgd``, ``momentum`` and ``nesterov`` (`SGD` with momentum 0.9), ``adagrad``, ``rmsprop``, ``adam``
        or ``adamw``.
    **options
        Fields of the class, in place of its defaults.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If the name or an option is unknown, or an option is out of its range.

    Examples
    --------
    >>> optimizer("adam", beta2=0.99)
    Adam(weight_decay=0.0, beta1=0.9, beta2=0.99, eps=1e-08)
    >>> optimizer(**optimizer("nesterov").to_json())
    SGD(weight_decay=0.0, momentum=0.9, nesterov=True)
    """
    if name not in _KNOWN:
        raise ValueError(f"unknown optimizer {name!r}; known: {', '.join(_KNOWN)}")
    kind, preset = _KNOWN[name]
    known = [field.name for field in fields(kind)]
    for option in options:
        if option not in known:
            raise ValueError(f"{name}: unknown option {option!r}; known: {', '.join(known)}")
    return kind(**{**preset, **options})
