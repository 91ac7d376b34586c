"""Cases: every op and every model as a function that can be checked, on small arrays from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, keep_mask, tree_flatten, tree_unflatten
from portnn.checking.gradients import Checked
from portnn.checking.model_cases import as_function, training_cases
from portnn.models import RecurrentStack
from portnn.objectives import OBJECTIVES
from portnn.objectives.label_kinds import CLASSES
from portnn.ops import ACTIVATIONS, CELLS, IMAGE_POOLINGS, POOLINGS

Arrays = dict[str, Any]


class Case(NamedTuple):
    """Something to check: ``function(arrays, *, xp) -> (loss, gradients)`` and host arrays for it."""

    name: str
    function: Checked
    arrays: Arrays


def cases() -> Iterator[Case]:
    """Every op and every model."""
    rng = np.random.default_rng(7)
    yield from _elementwise(rng)
    yield from _rows(rng)
    yield from _losses(rng)
    yield from _recurrent(rng)
    yield from _pooling(rng)
    yield from _windows(rng)
    yield from _images(rng)
    for training in training_cases():
        yield Case(training.name, *as_function(training, rng))


def _op(
    name: str,
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    arrays: Arrays,
    rng: np.random.Generator,
    of: str | None = None,
    **options: Any,
) -> Case:
    """Case of an op whose arguments are `arrays`, in this order, and then options.

    `of` is the argument whose gradient a backward with a single result returns; by default the first.
    """
    names, single = list(arrays), of or next(iter(arrays))

    def run(arrays: Arrays, xp: Namespace) -> Any:
        return forward(*(arrays[name] for name in names), **options, xp=xp)

    def back(*dresults_and_cache: Any, xp: Namespace) -> Arrays:
        gradients = backward(*dresults_and_cache, xp=xp)
        named = gradients._asdict() if hasattr(gradients, "_asdict") else {single: gradients}
        return {name: gradient for name, gradient in named.items() if gradient is not None}

    return _pair(name, arrays, run, back, rng)


def _pair(
    name: str, arrays: Arrays, forward: Callable[..., Any], backward: Callable[..., Any], rng: np.random.Generator
) -> Case:
    """Case of a pair: its loss is the sum of all its results, each entry with a random weight.

    `forward(arrays, xp)` gives (*results, cache); `backward(*dresults, cache, xp=xp)` a dict of gradients.
    """
    *results, _ = forward(arrays, np)
    weights = {f"weight of result {k}": rng.normal(size=result.shape) for k, result in enumerate(results)}

    def function(arrays: Arrays, *, xp: Namespace) -> tuple[Array, Arrays]:
        *results, cache = forward(arrays, xp)
        dresults = [arrays[name] for name in weights]
        terms = [xp.sum(result * d) for result, d in zip(results, dresults, strict=True)]
        return sum(terms[1:], terms[0]), backward(*dresults, cache, xp=xp)

    return Case(name, function, {**arrays, **weights})


def _elementwise(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(3, 4)) * 2.0
    x += np.sign(x) * 0.1  # away from relu's kink
    for activation in ACTIVATIONS.values():
        yield _op(activation.name, activation.forward, activation.backward, {"x": x}, rng)
    yield _op("softmax", ops.softmax, ops.softmax_backward, {"x": x}, rng)
    yield _op("log_softmax", ops.log_softmax, ops.log_softmax_backward, {"x": x}, rng)
    arrays = {"x": x, "mask": keep_mask(rng, (3, 4), 0.4).astype(np.float64)}
    yield _op("dropout", ops.dropout, ops.dropout_backward, arrays, rng, rate=0.4)


def _rows(rng: np.random.Generator) -> Iterator[Case]:
    arrays = {"x": rng.normal(size=(2, 3, 4)), "weight": rng.normal(size=(4, 5)), "bias": rng.normal(size=5)}
    yield _op("linear", ops.linear, ops.linear_backward, arrays, rng)
    arrays = {"ids": np.asarray([[1, 4, 1], [0, 1, 4]]), "table": rng.normal(size=(6, 3))}
    yield _op("embedding", ops.embedding, ops.embedding_backward, arrays, rng, of="table")


def _losses(rng: np.random.Generator) -> Iterator[Case]:
    soft = rng.random((4, 3, 5))
    soft /= soft.sum(axis=-1, keepdims=True)
    hard = rng.integers(0, 5, (4, 3))
    weights = np.asarray([[1.0, 0.0, 1.0], [0.5, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 2.0]])
    losses = {
        name: (objective.forward, objective.backward, hard if objective.label is CLASSES else soft)
        for name, objective in OBJECTIVES.items()
    }
    losses["cross_entropy soft"] = (ops.cross_entropy, ops.cross_entropy_backward, soft)
    for name, (forward, backward, targets) in losses.items():
        arrays = {"outputs": rng.normal(size=(4, 3, 5)), "targets": targets}
        yield _op(name, forward, backward, arrays, rng)
        yield _op(f"{name} weighted", forward, backward, {**arrays, "weights": weights}, rng)


def _recurrent(rng: np.random.Generator) -> Iterator[Case]:
    time, batch, n_in, hidden = 4, 3, 5, 2
    vectors, ids = rng.normal(size=(time, batch, n_in)), rng.integers(0, n_in, (time, batch))
    lengths = np.asarray([4, 0, 2])
    for name, cell in CELLS.items():
        wide = len(cell.gates) * hidden
        shapes = ops.Weights((n_in, wide), (hidden, wide), (wide,), (wide,))
        arrays: Arrays = {f"state {state}": rng.normal(size=(batch, hidden)) for state in cell.states}
        arrays |= {weight: rng.normal(size=shape) for weight, shape in shapes._asdict().items()}
        yield _cell(name, cell, {"x": vectors, **arrays}, rng)
        yield _cell(f"{name} of ids", cell, {"x": ids, **arrays}, rng)
        yield _cell(f"{name} in reverse", cell, {"x": vectors, **arrays}, rng, reverse=True)
        arrays |= {"x": vectors, "lengths": lengths}
        yield _cell(f"{name} with lengths", cell, arrays, rng)
        yield _cell(f"{name} in reverse with lengths", cell, arrays, rng, reverse=True)
        yield _cell(f"{name} of ids with lengths", cell, {**arrays, "x": ids}, rng)
        yield _stack(RecurrentStack(name, n_in, hidden, num_layers=2, bidirectional=True, dropout=0.4), vectors, rng)


def _cell(name: str, cell: ops.Cell, arrays: Arrays, rng: np.random.Generator, *, reverse: bool = False) -> Case:
    """Case of a recurrent op, whose states and weights are tuples."""
    names = [f"state {state}" for state in cell.states]

    def run(arrays: Arrays, xp: Namespace) -> Any:
        states, weights = tuple(arrays[name] for name in names), ops.Weights(*(arrays[n] for n in ops.Weights._fields))
        lengths = arrays.get("lengths")
        y, states, cache = cell.forward(arrays["x"], states, weights, lengths=lengths, reverse=reverse, xp=xp)
        return y, *states, cache

    def back(dy: Array, *dstates_and_cache: Any, xp: Namespace) -> Arrays:
        *dstates, cache = dstates_and_cache
        x, states, weights = cell.backward(dy, tuple(dstates), cache, xp=xp)
        gradients = {**dict(zip(names, states, strict=True)), **weights._asdict()}
        return gradients if x is None else {"x": x, **gradients}

    return _pair(name, arrays, run, back, rng)


def _stack(stack: RecurrentStack, x: Any, rng: np.random.Generator) -> Case:
    """Case of a stack of layers, with lengths and dropout."""
    still = stack.initial_states(x.shape[1])
    names = [name for name, _ in tree_flatten(still, "states")]
    arrays: Arrays = {name: rng.normal(size=shape) * 0.5 for name, shape in stack.shapes().items()}
    arrays |= {name: rng.normal(size=state.shape) for name, state in tree_flatten(still, "states")}
    keep = keep_mask(rng, (*x.shape[:2], stack.output_size), stack.dropout).astype(np.float64)
    arrays |= {"x": x, "keep": keep, "lengths": np.asarray([2, 4, 3])}

    def run(arrays: Arrays, xp: Namespace) -> Any:
        states = tree_unflatten(arrays, still, "states")
        y, states, cache = stack.forward(arrays, arrays["x"], states, (arrays["keep"],), arrays["lengths"], xp=xp)
        return y, *(state for _, state in tree_flatten(states, "states")), cache

    def back(dy: Array, *dstates_and_cache: Any, xp: Namespace) -> Arrays:
        *dstates, cache = dstates_and_cache
        finals = tree_unflatten(dict(zip(names, dstates, strict=True)), still, "states")
        dx, before, grads = stack.backward(dy, finals, cache, xp=xp)
        return {"x": dx, **dict(tree_flatten(before, "states")), **grads}

    return _pair(f"RecurrentStack {stack.cell}", arrays, run, back, rng)


def _pooling(rng: np.random.Generator) -> Iterator[Case]:
    y, last = rng.normal(size=(4, 3, 2)), rng.normal(size=(3, 2))
    for name, pooling in POOLINGS.items():
        title = pooling.forward.__name__

        def run(arrays: Arrays, xp: Namespace, name: str = name) -> Any:
            return POOLINGS[name].forward(arrays["y"], arrays["last"], arrays.get("lengths"), xp=xp)

        def back(dpooled: Array, cache: Any, *, xp: Namespace, name: str = name) -> Arrays:
            gradients = POOLINGS[name].backward(dpooled, cache, xp=xp)._asdict()
            return {argument: gradient for argument, gradient in gradients.items() if gradient is not None}

        yield _pair(title, {"y": y, "last": last}, run, back, rng)
        yield _pair(f"{title} with lengths", {"y": y, "last": last, "lengths": np.asarray([4, 1, 2])}, run, back, rng)


def _windows(rng: np.random.Generator) -> Iterator[Case]:
    blocks, length, around, size = 2, 3, 5, 4
    hidden, rows = rng.normal(size=(blocks, length, size)), rng.normal(size=(blocks, around + 2, size))
    weights = rng.integers(0, 3, (blocks, length, around + 2)).astype(np.float64)
    windows = weights[:, :, :around]
    windows[0, 0, :] = 0.0
    arrays: Arrays = {"rows": rows[:, :around], "windows": windows}
    yield _op("window_mean", ops.window_mean, ops.window_mean_backward, arrays, rng)
    yield _op("window_mean sum", ops.window_mean, ops.window_mean_backward, arrays, rng, mean=False)
    arrays = {"hidden": hidden, "outputs": rows[:, :length], "weights": weights[:, :, 0]}
    yield _op("logistic_pairs", ops.logistic_pairs, ops.logistic_pairs_backward, arrays, rng)
    arrays = {"hidden": hidden, "outputs": rows, "weights": weights}
    for name, positives in (("negative_sampling", around), ("negative_sampling without positives", 0)):
        yield _op(name, ops.negative_sampling, ops.negative_sampling_backward, arrays, rng, positives=positives)
    ids = rng.integers(0, 6, (blocks, around))
    arrays = {"hidden": hidden, "table": rng.normal(size=(6, size)), "ids": ids, "windows": windows}
    yield _op("window_softmax", ops.window_softmax, ops.window_softmax_backward, arrays, rng)


def _images(rng: np.random.Generator) -> Iterator[Case]:
    x = rng.normal(size=(2, 5, 6, 4))
    variants: dict[str, dict[str, Any]] = {
        "": {},
        " same": {"padding": "same"},
        " strided": {"padding": (1, 2), "stride": (2, 1), "dilation": (1, 2)},
        " in groups": {"groups": 2, "stride": 2},
    }
    for title, options in variants.items():
        shape = (3, 2, 4 // options.get("groups", 1), 6)
        arrays = {"x": x, "weight": rng.normal(size=shape), "bias": rng.normal(size=6)}
        yield _op(f"conv2d{title}", ops.conv2d, ops.conv2d_backward, arrays, rng, **options)
    for pooling in IMAGE_POOLINGS.values():
        forward, backward = pooling.forward, pooling.backward
        yield _op(forward.__name__, forward, backward, {"x": x}, rng, kernel=2)
        yield _op(
            f"{forward.__name__} overlapping", forward, backward, {"x": x}, rng, kernel=3, stride=(1, 2), padding=1
        )
    yield _op("global_avg_pool2d", ops.global_avg_pool2d, ops.global_avg_pool2d_backward, {"x": x}, rng)
    yield _op("flatten", ops.flatten, ops.flatten_backward, {"x": x}, rng)
    statistics = {"mean": rng.normal(size=4), "var": rng.random(size=4) + 0.5}
    for title, given in (("batch_norm", {}), ("batch_norm given", statistics)):
        arrays = {"x": x, "scale": rng.normal(size=4), "shift": rng.normal(size=4), **given}

        def run(arrays: Arrays, xp: Namespace, given: tuple[str, ...] = tuple(given)) -> Any:
            chosen = ops.ChannelStatistics(*(arrays[name] for name in given)) if given else None
            y, _, cache = ops.batch_norm(arrays["x"], arrays["scale"], arrays["shift"], chosen, xp=xp)
            return y, cache

        def back(dy: Array, cache: Any, *, xp: Namespace) -> Arrays:
            return ops.batch_norm_backward(dy, cache, xp=xp)._asdict()

        yield _pair(title, arrays, run, back, rng)
