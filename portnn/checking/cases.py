"""Cases: every op and every model as a function that can be checked, on small arrays from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from portnn import ops
from portnn.backends import Array, Namespace, keep_mask
from portnn.checking.gradients import Checked
from portnn.checking.training_cases import as_function, training_cases
from portnn.models import CELLS

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
    yield from _windows(rng)
    for training in training_cases():
        yield Case(training.name, *as_function(training, rng))


def _pair(
    name: str, arrays: Arrays, forward: Callable[..., Any], backward: Callable[..., Any], rng: np.random.Generator
) -> Case:
    """Case of an op: its loss is the sum of all its results, each entry with a random weight.

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
    for name in ("identity", "sigmoid", "tanh", "relu", "rbf", "softmax", "log_softmax"):
        forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
        yield _pair(
            name, {"x": x},
            lambda arrays, xp, forward=forward: forward(arrays["x"], xp=xp),
            lambda dy, cache, xp, backward=backward: {"x": backward(dy, cache, xp=xp)}, rng,
        )  # fmt: skip
    yield _pair(
        "dropout", {"x": x, "mask": keep_mask(rng, (3, 4), 0.4).astype(np.float64)},
        lambda arrays, xp: ops.dropout(arrays["x"], arrays["mask"], rate=0.4, xp=xp),
        lambda dy, cache, xp: {"x": ops.dropout_backward(dy, cache, xp=xp)}, rng,
    )  # fmt: skip


def _rows(rng: np.random.Generator) -> Iterator[Case]:
    arrays = {"x": rng.normal(size=(2, 3, 4)), "weight": rng.normal(size=(4, 5)), "bias": rng.normal(size=5)}
    yield _pair(
        "linear", arrays,
        lambda arrays, xp: ops.linear(arrays["x"], arrays["weight"], arrays["bias"], xp=xp),
        lambda dy, cache, xp: ops.linear_backward(dy, cache, xp=xp)._asdict(), rng,
    )  # fmt: skip
    yield _pair(
        "embedding", {"ids": np.asarray([[1, 4, 1], [0, 1, 4]]), "table": rng.normal(size=(6, 3))},
        lambda arrays, xp: ops.embedding(arrays["ids"], arrays["table"], xp=xp),
        lambda dy, cache, xp: {"table": ops.embedding_backward(dy, cache, xp=xp)}, rng,
    )  # fmt: skip


def _losses(rng: np.random.Generator) -> Iterator[Case]:
    soft = rng.random((4, 3, 5))
    soft /= soft.sum(axis=-1, keepdims=True)
    mask = np.asarray([[1.0, 0.0, 1.0], [0.5, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 2.0]])
    hard = rng.integers(0, 5, (4, 3))
    for name, targets, weights in (
        ("cross_entropy hard", hard, None),
        ("cross_entropy soft", soft, None),
        ("cross_entropy hard masked", hard, mask),
        ("cross_entropy soft masked", soft, mask),
    ):
        arrays = {"logits": rng.normal(size=(4, 3, 5)), "targets": targets}
        if weights is not None:
            arrays["mask"] = weights
        yield _pair(
            name, arrays,
            lambda arrays, xp: ops.cross_entropy(arrays["logits"], arrays["targets"], arrays.get("mask"), xp=xp),
            lambda dloss, cache, xp: {"logits": ops.cross_entropy_backward(dloss, cache, xp=xp)}, rng,
        )  # fmt: skip

    for name in ("squared_error", "binary_cross_entropy"):
        forward, backward = getattr(ops, name), getattr(ops, f"{name}_backward")
        for kind, weights in (("", None), (" masked", mask)):
            arrays = {"x": rng.normal(size=(4, 3, 5)), "targets": soft}
            if weights is not None:
                arrays["mask"] = weights
            yield _pair(
                f"{name}{kind}", arrays,
                lambda arrays, xp, forward=forward: forward(
                    arrays["x"], arrays["targets"], arrays.get("mask"), xp=xp
                ),
                lambda dloss, cache, xp, backward=backward: {"x": backward(dloss, cache, xp=xp)}, rng,
            )  # fmt: skip


def _recurrent(rng: np.random.Generator) -> Iterator[Case]:
    time, batch, n_in, hidden = 4, 3, 5, 2
    for cell, gates in CELLS.items():
        forward, backward = getattr(ops, cell), getattr(ops, f"{cell}_backward")
        states = ("h0", "c0") if cell == "lstm" else ("h0",)
        shapes = ((n_in, gates * hidden), (hidden, gates * hidden), (gates * hidden,), (gates * hidden,))
        arrays = {name: rng.normal(size=shape) for name, shape in zip(ops.Weights._fields, shapes, strict=True)}
        arrays |= {name: rng.normal(size=(batch, hidden)) for name in states}
        for kind, x in (("", rng.normal(size=(time, batch, n_in))), (" of ids", rng.integers(0, n_in, (time, batch)))):

            def run(arrays: Arrays, xp: Namespace, forward: Any = forward, states: Any = states) -> Any:
                weights = ops.Weights(*(arrays[name] for name in ops.Weights._fields))
                return forward(arrays["x"], *(arrays[name] for name in states), weights, xp=xp)

            def back(*dresults_and_cache: Any, xp: Namespace, backward: Any = backward) -> Arrays:
                found = backward(*dresults_and_cache, xp=xp)._asdict()
                weights = found.pop("weights")
                return {name: g for name, g in {**found, **weights._asdict()}.items() if g is not None}

            yield _pair(f"{cell}{kind}", {"x": x, **arrays}, run, back, rng)


def _windows(rng: np.random.Generator) -> Iterator[Case]:
    blocks, length, around, size = 2, 3, 5, 4
    hidden, rows = rng.normal(size=(blocks, length, size)), rng.normal(size=(blocks, around + 2, size))
    weights = rng.integers(0, 3, (blocks, length, around + 2)).astype(np.float64)
    windows = weights[:, :, :around]
    windows[0, 0, :] = 0.0
    for kind, mean in (("", True), (" sum", False)):
        yield _pair(
            f"window_mean{kind}", {"rows": rows[:, :around], "windows": windows},
            lambda arrays, xp, mean=mean: ops.window_mean(arrays["rows"], arrays["windows"], mean=mean, xp=xp),
            lambda dhidden, cache, xp: {"rows": ops.window_mean_backward(dhidden, cache, xp=xp)}, rng,
        )  # fmt: skip
    yield _pair(
        "logistic_pairs", {"hidden": hidden, "outputs": rows[:, :length], "weights": weights[:, :, 0]},
        lambda arrays, xp: ops.logistic_pairs(*(arrays[n] for n in ("hidden", "outputs", "weights")), xp=xp),
        lambda dloss, cache, xp: ops.logistic_pairs_backward(dloss, cache, xp=xp)._asdict(), rng,
    )  # fmt: skip
    yield _pair(
        "negative_sampling", {"hidden": hidden, "outputs": rows, "weights": weights},
        lambda arrays, xp: ops.negative_sampling(*(arrays[n] for n in ("hidden", "outputs", "weights")),
                                                 positives=around, xp=xp),
        lambda dloss, cache, xp: ops.negative_sampling_backward(dloss, cache, xp=xp)._asdict(), rng,
    )  # fmt: skip
    arrays = {
        "hidden": hidden, "table": rng.normal(size=(6, size)), "ids": rng.integers(0, 6, (blocks, around)),
        "windows": windows,
    }  # fmt: skip
    yield _pair(
        "window_softmax", arrays,
        lambda arrays, xp: ops.window_softmax(*(arrays[n] for n in ("hidden", "table", "ids", "windows")), xp=xp),
        lambda dloss, cache, xp: ops.window_softmax_backward(dloss, cache, xp=xp)._asdict(), rng,
    )  # fmt: skip
