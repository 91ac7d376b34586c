"""A convolutional network: time of an epoch of portnn on NumPy, PyTorch and JAX.

    python examples/benchmarks/conv.py [--rounds 5] [--batches N] [--tasks TASK ...] [--cuda] [--json FILE]

Two convolutions of 3 x 3 with padding, each with a rectifier and max pooling of 2 x 2, a hidden layer of 64 units and a
softmax over 10 classes; batches of 64, Adam, float32. On scikit-learn's 1,797 digits (8 x 8 x 1; 16 and 32 channels),
and on 10,000 random images of 32 x 32 x 3 (32 and 64 channels).

All contenders see the same images in the same order; batches are gathered inside the time. Each lives in a process of
its own, so that none disturbs another's threads, and they take turns, an epoch each, round after round. portnn has as
many workers as its estimator would take (for the digits, one), "one process" has none, and threads as in training.
PyTorch has its convolutions (oneDNN) in either layout, and its fused Adam. JAX has XLA's convolutions, compiled before
the clock starts, and drops what is left after the last whole batch. The best peer is the fastest of all these.

With --cuda, portnn on CuPy, PyTorch and JAX takes turns with PyTorch (cuDNN, without TF32) and JAX on a GPU, and all
images are there before the clock starts.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from contenders import THREADS, Contender, Run, describe, serve, take_turns, while_running
from shared_steps import Training, of_rows, shared_steps

BATCH, HIDDEN, CLASSES, RATE = 64, 64, 10, 1e-3
WARM = 5
"""Batches before the clock starts."""


class Task(NamedTuple):
    """Images (n, height, width, channels), their classes, and channels of the two convolutions."""

    images: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]
    channels: tuple[int, int]


def task(name: str) -> Task:
    if name == "digits":
        from sklearn.datasets import load_digits

        found = load_digits()
        return Task((found.images[..., None] / 16.0).astype(np.float32), found.target.astype(np.int64), (16, 32))
    rng = np.random.default_rng(0)
    return Task(rng.random((10_000, 32, 32, 3), dtype=np.float32), rng.integers(0, CLASSES, 10_000), (32, 64))


TASKS = ("digits", "32 x 32 x 3")


def epochs(count: int, step: Callable[[np.ndarray[Any, Any]], object], most: int | None, *, whole: bool = False) -> Run:
    """The next epoch of batches of row numbers, or its first `most` batches; a last small one unless `whole`."""
    numbers = itertools.count()

    def run() -> None:
        order = np.random.default_rng(next(numbers)).permutation(count)
        starts = range(0, count - BATCH + 1 if whole else count, BATCH)
        for start in itertools.islice(starts, most):
            step(order[start : start + BATCH])

    order = np.random.default_rng(0).permutation(count)
    for start in range(0, min(WARM * BATCH, count - BATCH), BATCH):
        step(order[start : start + BATCH])
    return run


def portnn_epoch(name: str, most: int | None, workers: int | None = None) -> Run:
    import portnn
    from portnn.estimators.conv_net import PER_ENTRY
    from portnn.models import ImageClassifier
    from portnn.optimizers import Adam
    from portnn.process import one_blas_thread
    from portnn.training import StepSettings, automatic_workers

    images, labels, channels = task(name)
    backend = portnn.backend("numpy")
    model = ImageClassifier(image_shape=images.shape[1:], channels=channels, hidden=(HIDDEN,), outputs=CLASSES)
    count = workers or automatic_workers(BATCH, model.multiplications // PER_ENTRY, backend)
    if count == 1 and name == "digits":  # Trainer takes one thread for products as small as these
        while_running.enter_context(one_blas_thread())
    make = functools.partial(of_rows, images, labels)
    train = shared_steps(Training(model, Adam(), backend, StepSettings(), RATE, BATCH, make), count)
    return epochs(len(images), train, most)


def portnn_cuda(name: str, most: int | None, library: str) -> Run:
    import portnn
    from portnn.backends import tree_map
    from portnn.models import ImageClassifier, RowBatch
    from portnn.optimizers import Adam
    from portnn.training import init_optimizer, make_step

    images, labels, channels = task(name)
    backend = portnn.backend(library, device=None if library == "cupy" else "cuda")
    model = ImageClassifier(image_shape=images.shape[1:], channels=channels, hidden=(HIDDEN,), outputs=CLASSES)
    params, optimizer = tree_map(backend.asarray, model.init(np.random.default_rng(0))), Adam()
    x, y, xp = backend.asarray(images), backend.asarray(labels), backend.xp
    step = make_step(model, optimizer, backend)
    state, rate = [params, init_optimizer(optimizer, model, params, backend)], backend.asarray(np.float64(RATE))
    numbers = itertools.count(1)

    def train(rows: np.ndarray[Any, Any]) -> None:
        chosen = backend.asarray(rows)
        batch = RowBatch(xp.take(x, chosen, axis=0), xp.take(y, chosen, axis=0))
        state[:] = step(*state, batch, (), rate, backend.asarray(np.float64(next(numbers))))[:2]

    epoch = epochs(len(images), train, most, whole=True)

    def run() -> None:
        epoch()
        backend.synchronize(state[0]["layers.0.weight"])

    return run


def torch_epoch(name: str, most: int | None, *, channels_last: bool, device: str = "cpu") -> Run:
    import torch

    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark = False, True
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    images, labels, (first, second) = task(name)
    form = torch.channels_last if channels_last else torch.contiguous_format
    x = torch.from_numpy(images).permute(0, 3, 1, 2).to(device).contiguous(memory_format=form)
    y = torch.from_numpy(labels).to(device)
    size = images.shape[1] // 4
    net = torch.nn.Sequential(
        torch.nn.Conv2d(images.shape[3], first, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(first, second, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(size * size * second, HIDDEN),
        torch.nn.ReLU(),
        torch.nn.Linear(HIDDEN, CLASSES),
    ).to(device=device, memory_format=form)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)

    def train(rows: np.ndarray[Any, Any]) -> None:
        chosen = torch.from_numpy(rows).to(device)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x[chosen]), y[chosen]).backward()
        optimizer.step()

    epoch = epochs(len(images), train, most, whole=device != "cpu")

    def run() -> None:
        epoch()
        if device != "cpu":
            torch.cuda.synchronize()

    return run


def jax_epoch(name: str, most: int | None) -> Run:
    import jax
    import jax.numpy as jnp

    images, labels, (first, second) = task(name)
    rng, size = np.random.default_rng(0), images.shape[1] // 4

    def draw(*shape: int) -> Any:
        return jnp.asarray(rng.normal(0.0, (2.0 / np.prod(shape[:-1])) ** 0.5, shape), jnp.float32)

    params = {
        "w0": draw(3, 3, images.shape[3], first),
        "b0": jnp.zeros(first),
        "w1": draw(3, 3, first, second),
        "b1": jnp.zeros(second),
        "w2": draw(size * size * second, HIDDEN),
        "b2": jnp.zeros(HIDDEN),
        "w3": draw(HIDDEN, CLASSES),
        "b3": jnp.zeros(CLASSES),
    }

    def layer(x: Any, weight: Any, bias: Any) -> Any:
        form = ("NHWC", "HWIO", "NHWC")
        x = jax.nn.relu(jax.lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=form) + bias)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss(p: Any, x: Any, y: Any) -> Any:
        x = layer(layer(x, p["w0"], p["b0"]), p["w1"], p["b1"]).reshape(len(x), -1)
        logits = jax.nn.relu(x @ p["w2"] + p["b2"]) @ p["w3"] + p["b3"]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(p: Any, means: Any, squares: Any, number: Any, x: Any, y: Any) -> Any:
        grads = jax.grad(loss)(p, x, y)
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, grads)
        squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, grads)
        root = jnp.sqrt(1.0 - 0.999**number)
        rate = RATE * root / (1.0 - 0.9**number)
        p = jax.tree.map(lambda w, m, s: w - rate * m / (jnp.sqrt(s) + 1e-8 * root), p, means, squares)
        return p, means, squares, number + 1.0

    state = [params, *(jax.tree.map(jnp.zeros_like, params) for _ in range(2)), jnp.float32(1.0)]
    on_cpu = jax.default_backend() == "cpu"
    jax.config.update("jax_default_matmul_precision", None if on_cpu else "float32")
    x, y = (images, labels) if on_cpu else (jnp.asarray(images), jnp.asarray(labels))

    def train(rows: np.ndarray[Any, Any]) -> None:
        state[:] = step(*state, x[rows], y[rows])
        jax.block_until_ready(state)

    return epochs(len(images), train, most, whole=True)


PORTNN = {"portnn": portnn_epoch, "one process": functools.partial(portnn_epoch, workers=1)}
PEERS = {
    "torch": functools.partial(torch_epoch, channels_last=False),
    "torch channels last": functools.partial(torch_epoch, channels_last=True),
    "jax": jax_epoch,
}
CUDA_PORTNN = {f"portnn on {each}": functools.partial(portnn_cuda, library=each) for each in ("cupy", "torch", "jax")}
CUDA_PEERS = {
    "torch cuda": functools.partial(torch_epoch, channels_last=False, device="cuda"),
    "torch cuda channels last": functools.partial(torch_epoch, channels_last=True, device="cuda"),
    "jax cuda": jax_epoch,
}
MAKERS: dict[str, Callable[..., Run]] = {**PORTNN, **PEERS, **CUDA_PORTNN, **CUDA_PEERS}


def speed(name: str, rounds: int, most: int | None, own: Iterable[str], peers: Iterable[str]) -> dict[str, Any]:
    """Measure and print the time of an epoch."""
    contenders = {each: Contender(__file__, each) for each in (*own, *peers)}
    times = take_turns(contenders, [name, most], rounds=rounds, seconds=0.0, warm=0)
    row = {each: {"median": statistics.median(found), "best": min(found)} for each, found in times.items()}
    print(f"\n{name}: seconds for {f'{most} batches' if most else 'an epoch'}: median (best)\n")
    print("| contender | seconds | portnn / contender |\n| --- | --- | --- |")
    ours = {kind: min(row[each][kind] for each in own) for kind in ("median", "best")}
    for each, found in row.items():
        ratios = [ours[kind] / found[kind] for kind in ("median", "best")]
        print(f"| {each} | {found['median']:.3g} ({found['best']:.3g}) | {ratios[0]:.2f} ({ratios[1]:.2f}) |")
    best = {kind: min(peers, key=lambda each: row[each][kind]) for kind in ("median", "best")}
    ratios = [ours[kind] / row[peer][kind] for kind, peer in best.items()]
    print(f"\nportnn / best peer ({best['median']}): {ratios[0]:.2f} ({ratios[1]:.2f})")
    return {"batches": most, "times": times, **row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, help="in each round; by default an epoch")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, help="which to measure; by default both")
    parser.add_argument("--cuda", action="store_true", help="measure on a GPU")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        serve(MAKERS[options.work], tuned=options.work in PORTNN)
        return
    results: dict[str, Any] = {"machine": describe("numpy", "torch", "jax", gpu=options.cuda)}
    own, peers = (CUDA_PORTNN, CUDA_PEERS) if options.cuda else (PORTNN, PEERS)
    for name in options.tasks or TASKS:
        results[name] = speed(name, options.rounds, options.batches, list(own), list(peers))
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
