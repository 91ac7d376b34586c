"""What the optimizers share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from portnn.backends import Array, RowGradient, SummedRows, coalesce, scatter_add, without_graph
from portnn.settings import Settings, not_negative

Arrays = dict[str, Array]
Gradients = dict[str, Any]
State = dict[str, Arrays]
Scalars = tuple[Array, ...]
Moved = tuple[Array, Arrays]


@dataclass(frozen=True, kw_only=True)
class Optimizer(Settings):
    """What the optimizers share: checked options, state from zero, the loop over parameters, a form for JSON.

    Parameters
    ----------
    weight_decay : float, default 0
        L2 penalty: multiple of the parameter added to its gradient.

    Raises
    ------
    TypeError
        If an option is not a number.
    ValueError
        If an option is out of its range.
    """

    name: ClassVar[str]
    weight_decay: Annotated[float, not_negative, "L2 penalty: multiple of the parameter added to its gradient."] = 0.0

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self.name}: {error}") from None

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the state, each of which holds one array for every parameter."""
        raise NotImplementedError

    def init(self, params: Arrays, *, xp: Any) -> State:
        """State before the first update: zeros like each parameter, ``{slot: {name: array}}``."""
        return {slot: {name: xp.zeros_like(param) for name, param in params.items()} for slot in self.slots}

    @property
    def takes_rows(self) -> bool:
        """Whether a gradient may be a `RowGradient`: the rule must leave a row without a gradient unchanged."""
        return not self.weight_decay

    @without_graph
    def update(
        self,
        params: Arrays,
        grads: Gradients,
        state: State,
        *,
        learning_rate: Array,
        step: Array,
        donate: bool = False,
        xp: Any,
    ) -> tuple[Arrays, State]:
        """One step downhill.

        Parameters
        ----------
        params : dict of str to array
        grads : dict of str to array or RowGradient
            The gradient of the loss for each parameter, of the same names, shapes and floating dtype. A table may
            come with a `RowGradient`: then only those rows and their state change ("lazy": with Adam, an absent
            row keeps its running means, which the gradient of the whole table would shrink).
        state : dict of str to dict of str to array
            From `init` or the update before.
        learning_rate, step : array, shape ()
            Of the parameters' dtype. `step` is 1 for the first update.
        donate : bool
            Tables that come with a `RowGradient`, and their state, are no longer needed and may be written to,
            so that the cost of a step depends on its rows, not on the table.
        xp : namespace
            Array API namespace of all of these.

        Returns
        -------
        tuple of (params, state)
            New dictionaries of new arrays. The arguments are left as they were, unless `donate`.

        Raises
        ------
        TypeError
            If dtypes differ, or `learning_rate` or `step` is not an array of shape ().
        ValueError
            If names or shapes differ, the state belongs to another optimizer, or a `RowGradient` was given to an
            optimizer that would have to move all rows (momentum, weight decay, RMSprop, AdamW).
        """
        self._check(params, grads, state, {"learning_rate": learning_rate, "step": step})
        scalars = self._scalars(learning_rate, step, xp)
        moved: Arrays = {}
        kept: State = {slot: {} for slot in self.slots}
        for name, param in params.items():
            old = {slot: arrays[name] for slot, arrays in state.items()}
            grad = grads[name]
            if isinstance(grad, RowGradient | SummedRows):
                moved[name], new = self._move_rows(param, grad, old, scalars, donate, xp)
            else:
                start, grad = self._decayed(param, grad, learning_rate)
                moved[name], new = self._rule(start, grad, old, scalars, xp)
            for slot, array in new.items():
                kept[slot][name] = array
        return moved, kept

    def to_json(self) -> dict[str, Any]:
        """Name and options, for a checkpoint; ``optimizer(**record)`` makes an equal optimizer."""
        return {"name": self.name, **super().to_json()}

    def _scalars(self, learning_rate: Array, step: Array, xp: Any) -> Scalars:
        """Work out once for all parameters what the rule needs: by default, minus the learning rate."""
        return (-learning_rate,)

    def _decayed(self, param: Array, grad: Array, learning_rate: Array) -> tuple[Array, Array]:
        """Add the L2 penalty to the gradient; without one, return the arguments themselves, not to be written to."""
        if self.weight_decay:
            penalty = param * self.weight_decay
            penalty += grad
            grad = penalty
        return param, grad

    def _rule(self, param: Array, grad: Array, old: Arrays, scalars: Scalars, xp: Any) -> Moved:
        """Return the new value of one parameter, and its new state by slot."""
        raise NotImplementedError

    def _move_rows(
        self, param: Array, grad: RowGradient | SummedRows, old: Arrays, scalars: Scalars, donate: bool, xp: Any
    ) -> Moved:
        """Apply the rule to the rows that have a gradient, each id once."""
        ids, rows, leads = coalesce(grad, xp=xp)

        def moved(table: Array, before: Array, after: Array) -> Array:
            return scatter_add(table, ids, (after - before) * leads, donate=donate, coalesced=True, xp=xp)

        start = xp.take(param, ids, axis=0)
        states = {slot: xp.take(table, ids, axis=0) for slot, table in old.items()}
        end, new = self._rule(start, rows, states, scalars, xp)
        return moved(param, start, end), {slot: moved(old[slot], states[slot], new[slot]) for slot in new}

    def _check(self, params: Arrays, grads: Gradients, state: State, scalars: Arrays) -> None:
        # Names, shapes and dtypes, never values, so nothing waits for a device. A wider dtype in any of them
        # would silently widen the parameters.
        if state.keys() != set(self.slots):
            raise ValueError(f"{self.name}: the state has {sorted(state)}, expected {sorted(self.slots)}")
        for what, arrays in {"grads": grads, **state}.items():
            if arrays.keys() != params.keys():
                odd = sorted(arrays.keys() ^ params.keys())
                raise ValueError(f"{self.name}: {what} and params differ in the names {odd}")
            for name, param in params.items():
                array, label = arrays[name], f"{self.name}: {what}[{name!r}]"
                if isinstance(array, RowGradient | SummedRows):
                    array = self._checked_rows(array, param, label)
                elif array.shape != param.shape:
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

    def _checked_rows(self, grad: RowGradient | SummedRows, param: Array, label: str) -> Array:
        if not self.takes_rows:
            raise ValueError(f"{label} is a RowGradient, but this optimizer moves all rows; use sgd, adagrad or adam")
        count, rows = grad.ids.shape[0], tuple(grad.rows.shape)
        if param.ndim != 2 or rows != (count, param.shape[1]):
            raise ValueError(f"{label} has {count} ids and rows of shape {rows}, its parameter {tuple(param.shape)}")
        return grad.rows
