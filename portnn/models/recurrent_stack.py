"""Stack of recurrent layers, in one direction or two: a pure pair like an op, that models build on."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, without_graph
from portnn.models.protocol import Parameters
from portnn.settings import OneOf, Settings, documented, fraction, positive

States = tuple[tuple[Array, ...], ...]
"""For each layer and direction its states (batch, hidden_size): the hidden state, in an LSTM also the cell state."""

Stepper = Callable[[Array, States], tuple[Array, States]]
"""One time step: its input and the states before it -> its output and the states after it."""


class StackCache(NamedTuple):
    """What `RecurrentStack.backward` needs: a cache for each layer and direction, and for each dropout."""

    cells: tuple[Any, ...]
    dropouts: tuple[ops.DropoutCache, ...]


@documented()
@dataclass(frozen=True)
class RecurrentStack(Settings):
    """Layers of recurrent cells, each fed with the outputs of the one below.

    Attributes
    ----------
    {settings}

    Raises
    ------
    ValueError
        If a size is not positive, the rate is out of range or the cell unknown.

    Notes
    -----
    Parameters are called ``layers.0.weight_ih``, ``layers.0.reverse.weight_ih`` and so on, with the names in
    `portnn.ops.Weights`. States are listed as in PyTorch: the first layer's, one direction after the other, then the
    next layer's.
    """

    cell: Annotated[str, OneOf(ops.CELLS), "Recurrent cell."]
    input_size: Annotated[int, positive, "Features of the input, or number of ids."]
    hidden_size: Annotated[int, positive, "Units of each layer and direction."]
    num_layers: Annotated[int, positive, "Recurrent layers."] = 1
    bidirectional: Annotated[
        bool,
        "Every layer reads the sequence in both directions, each with weights of its own, and outputs both results "
        "side by side.",
    ] = False
    dropout: Annotated[
        float, fraction, "Fraction of the outputs of every layer but the last that is dropped in training."
    ] = 0.0

    @property
    def output_size(self) -> int:
        """Features of the output."""
        return self.hidden_size * len(self.directions)

    @property
    def state_size(self) -> int:
        """Entries of all states of one sequence."""
        return len(ops.CELLS[self.cell].states) * self.hidden_size * self.num_layers * len(self.directions)

    @property
    def directions(self) -> tuple[str, ...]:
        """Suffix of a layer's name, for each direction."""
        return ("", ".reverse") if self.bidirectional else ("",)

    @functools.cached_property
    def weight_names(self) -> tuple[tuple[ops.Weights, ...], ...]:
        """Names of the parameters of each layer in each direction."""
        return tuple(
            tuple(
                ops.Weights(*(f"layers.{layer}{direction}.{field}" for field in ops.Weights._fields))
                for direction in self.directions
            )
            for layer in range(self.num_layers)
        )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter."""
        wide = len(ops.CELLS[self.cell].gates) * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {}
        for layer, directions in enumerate(self.weight_names):
            n_in = self.output_size if layer else self.input_size
            for names in directions:
                shapes |= zip(names, ops.Weights((n_in, wide), (self.hidden_size, wide), (wide,), (wide,)), strict=True)
        return shapes

    def init(self, rng: np.random.Generator, scale: float | None = None) -> dict[str, np.ndarray[Any, Any]]:
        """Draw initial parameters on the host, float64.

        Parameters
        ----------
        rng : Generator
        scale : float, optional
            Standard deviation of normal weights with zero biases. Without it, all are uniform within
            1 / sqrt(hidden_size), as in PyTorch, except the biases that a cell starts elsewhere: the forget gates of an
            LSTM start open, at 1.
        """
        cell = ops.CELLS[self.cell]
        params = {name: draw(rng, shape, self.hidden_size, scale) for name, shape in self.shapes().items()}
        if scale is None:
            for gate, value in cell.initial_bias.items():
                start = cell.gates.index(gate) * self.hidden_size
                for names in itertools.chain(*self.weight_names):
                    params[names.bias_ih][start : start + self.hidden_size] = value
        return params

    def initial_states(self, batch_size: int) -> tuple[tuple[np.ndarray[Any, Any], ...], ...]:
        """Zero states on the host, float64: for each layer and direction a tuple of (batch_size, hidden_size)."""
        zeros = np.zeros((batch_size, self.hidden_size))
        return ((zeros,) * len(ops.CELLS[self.cell].states),) * (self.num_layers * len(self.directions))

    def forward(
        self,
        params: Parameters,
        x: Array,
        states: States,
        keep: tuple[Array, ...] = (),
        lengths: Array | None = None,
        *,
        xp: Namespace,
    ) -> tuple[Array, States, StackCache]:
        """Outputs of the last layer, final states and a cache.

        Parameters
        ----------
        params : dict of str to array
            At least those in `shapes`.
        x : array (time, batch, input_size), or integer ids (time, batch)
        states : tuple of tuples of arrays (batch, hidden_size)
            As `initial_states` lists them.
        keep : tuple of arrays (time, batch, output_size)
            Dropout masks, one for each layer but the last; empty where nothing is dropped.
        lengths : integer array (batch,), optional
            Number of steps of each row; what follows is padding.

        Returns
        -------
        y : array (time, batch, output_size)
            0 at padding.
        states : tuple of tuples of arrays
            After the last step of each row; in reverse, after its first.
        cache : StackCache
        """
        forward, places = ops.CELLS[self.cell].forward, iter(states)
        finals, caches, dropouts = [], [], []
        for layer, directions in enumerate(self.weight_names):
            outputs = []
            for number, names in enumerate(directions):
                weights = ops.Weights(*[params[name] for name in names])
                y, final, cache = forward(x, next(places), weights, lengths=lengths, reverse=number > 0, xp=xp)
                outputs.append(y)
                finals.append(final)
                caches.append(cache)
            x = xp.concat(outputs, axis=-1) if self.bidirectional else outputs[0]
            if keep and layer + 1 < self.num_layers:
                x, dropped = ops.dropout(x, keep[layer], rate=self.dropout, xp=xp)
                dropouts.append(dropped)
        return x, tuple(finals), StackCache(tuple(caches), tuple(dropouts))

    def stepper(self, params: Parameters, x: Array, states: States, *, xp: Namespace) -> Stepper:
        """Make the function that takes one time step at a time, with everything prepared that is the same in each.

        Parameters
        ----------
        params : dict of str to array
        x : array (batch, input_size), or integer ids (batch,)
            The first time step. Only its shape and dtype count.
        states : tuple of tuples of arrays (batch, hidden_size)
            Only their shapes and dtypes count.

        Returns
        -------
        callable
            ``(x, states) -> (y, states)`` for one time step: y is an array (batch, hidden_size).

        Raises
        ------
        ValueError
            If the stack is bidirectional: a layer in reverse starts with the last time step.
        """
        if self.bidirectional:
            raise ValueError("a bidirectional stack needs the whole sequence, not one time step at a time")
        example, layers = x[None, ...], []
        for layer_states, (names,) in zip(states, self.weight_names, strict=True):
            weights = ops.Weights(*[params[name] for name in names])
            layers.append(ops.CELLS[self.cell].steps(example, layer_states, weights, xp=xp))
            example = layer_states[0][None, ...]

        def step(x: Array, states: States) -> tuple[Array, States]:
            after = []
            for (drives, cell_step), before in zip(layers, states, strict=True):
                now, _ = cell_step(before, tuple(drive[0, ...] for drive in drives(x[None, ...])))
                after.append(now)
                x = now[0]
            return x, tuple(after)

        return step

    @without_graph
    def backward(
        self, dy: Array, dstates: States | None, cache: StackCache, *, xp: Namespace
    ) -> tuple[Array | None, States, Parameters]:
        """Gradients of `forward`.

        Parameters
        ----------
        dy : array (time, batch, output_size)
        dstates : tuple of tuples of arrays (batch, hidden_size), or None
            Gradients of the final states; None for zeros.
        cache : StackCache

        Returns
        -------
        dx : array like x, or None if x held ids
        dstates : tuple of tuples of arrays
            Gradients of the states that were passed in.
        grads : dict of str to array
            Gradients of the parameters.
        """
        cell, size = ops.CELLS[self.cell], self.hidden_size
        if dstates is None:
            zeros = xp.zeros_like(dy[0, :, :size])
            dstates = ((zeros,) * len(cell.states),) * len(cache.cells)
        grads: Parameters = {}
        before: list[tuple[Array, ...]] = []
        places = zip(reversed(dstates), reversed(cache.cells), strict=True)
        for layer in reversed(range(self.num_layers)):
            if cache.dropouts and layer + 1 < self.num_layers:
                dy = ops.dropout_backward(dy, cache.dropouts[layer], xp=xp)
            parts = (dy[:, :, size:], dy[:, :, :size]) if self.bidirectional else (dy,)
            dx: Array | None = None
            for part, names in zip(parts, reversed(self.weight_names[layer]), strict=True):
                gradients = cell.backward(part, *next(places), xp=xp)
                grads.update(zip(names, gradients.weights, strict=True))
                before.append(gradients.states)
                dx = gradients.x if dx is None else dx + gradients.x
            dy = dx
        return dy, tuple(reversed(before)), grads


def draw(
    rng: np.random.Generator, shape: tuple[int, ...], hidden_size: int, scale: float | None
) -> np.ndarray[Any, Any]:
    """Draw one parameter: uniform within 1 / sqrt(hidden_size); with a scale normal, or zero for a bias."""
    if scale is None:
        bound = 1.0 / math.sqrt(hidden_size)
        return rng.uniform(-bound, bound, shape)
    return rng.normal(0.0, scale, shape) if len(shape) > 1 else np.zeros(shape)
