"""Training time of feed-forward networks: portnn on NumPy against scikit-learn and PyTorch on the same cores.

    python examples/benchmarks/mlp.py [--tasks epoch,spiral,digits] [--json FILE]

epoch   one epoch at 784-256-10 over 20,000 random rows, shuffled batches of 128, Adam, float32: `portnn.MLP` and
        `sklearn.neural_network.MLPClassifier` by their `partial_fit`, PyTorch by a plain loop
spiral  50,000 full-batch steps of gradient descent at 2-50-50-3 on 300 points, float32, L2 1e-3, sigmoid and relu:
        `portnn.MLP.fit` against the same loop in PyTorch, in turns of a thousand steps
digits  time to 0.97 held-out accuracy on scikit-learn's digits, 64-100-10, batches of 50, Adam, measured
        after every epoch: by `partial_fit` and `score`, PyTorch by a plain loop; each round uses another seed

Each contender runs in its own process, and they take turns. portnn's process is tuned in the same way as by its
command line.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
from typing import Any

from contenders import THREADS, Contender, Run, describe, serve, take_turns

LEARNING_RATE = 2e-3


def rows(n: int, features: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.normal(size=(n, features)).astype(np.float32), rng.integers(0, 10, n)


def digits() -> tuple[Any, Any, Any, Any]:
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    return tuple(train_test_split((x / 16.0).astype(np.float32), y, test_size=0.25, random_state=0, stratify=y))


def portnn_epoch() -> Run:
    import portnn

    x, y = rows(20_000, 784)
    model = portnn.MLP((256,))
    return lambda: model.partial_fit(x, y, batch_size=128, learning_rate=1e-3)


def sklearn_epoch() -> Run:
    from sklearn.neural_network import MLPClassifier

    x, y = rows(20_000, 784)
    model = MLPClassifier((256,), batch_size=128, alpha=0.0)
    return lambda: model.partial_fit(x, y, classes=range(10))


def torch_network(*sizes: int, activation: str = "ReLU") -> Any:
    import torch

    torch.set_num_threads(THREADS)
    layers: list[Any] = []
    for pair in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(*pair), getattr(torch.nn, activation)()]
    return torch.nn.Sequential(*layers[:-1])


def torch_epochs(network: Any, x: Any, y: Any, batch: int, rate: float) -> Run:
    import torch

    x, y = torch.as_tensor(x), torch.as_tensor(y)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)

    def run() -> None:
        for ids in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[ids]), y[ids]).backward()
            optimizer.step()

    return run


def torch_epoch() -> Run:
    x, y = rows(20_000, 784)
    return torch_epochs(torch_network(784, 256, 10), x, y, 128, 1e-3)


def portnn_spiral(activation: str) -> Run:
    import portnn
    from portnn.datasets import spiral

    x, y = spiral()
    model = portnn.MLP((50, 50), activation, l2=1e-3, init_scale=0.1, dtype="float32")
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": len(x), "progress": False}
    return lambda: model.fit(x, y, steps=1000, **settings)


def torch_spiral(activation: str) -> Run:
    import torch

    from portnn.datasets import spiral

    x, y = spiral()
    x, y = torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y)
    network = torch_network(2, 50, 50, 3, activation={"relu": "ReLU", "sigmoid": "Sigmoid"}[activation])
    weights = [layer.weight for layer in network if hasattr(layer, "weight")]
    biases = [layer.bias for layer in network if hasattr(layer, "bias")]
    for weight, bias in zip(weights, biases, strict=True):
        torch.nn.init.normal_(weight, std=0.1)
        torch.nn.init.zeros_(bias)
    # PyTorch's weight decay is the gradient of the L2 penalty; as in portnn, biases have none.
    groups = [{"params": weights, "weight_decay": 1e-3}, {"params": biases}]
    optimizer = torch.optim.SGD(groups, lr=0.1)

    def run() -> None:
        for _ in range(1000):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x), y).backward()
            optimizer.step()

    return run


def portnn_digits() -> Run:
    import portnn

    x, held_x, y, held_y = digits()
    seeds = itertools.count()

    def run() -> None:
        model = portnn.MLP((100,), seed=next(seeds))
        while model.params is None or model.score(held_x, held_y) < 0.97:
            model.partial_fit(x, y, batch_size=50, learning_rate=LEARNING_RATE)

    return run


def sklearn_digits() -> Run:
    from sklearn.neural_network import MLPClassifier

    x, held_x, y, held_y = digits()
    seeds = itertools.count()

    def run() -> None:
        model = MLPClassifier(
            (100,), batch_size=50, alpha=0.0, learning_rate_init=LEARNING_RATE, random_state=next(seeds)
        )
        while not hasattr(model, "coefs_") or model.score(held_x, held_y) < 0.97:
            model.partial_fit(x, y, classes=range(10))

    return run


def torch_digits() -> Run:
    import torch

    x, held_x, y, held_y = digits()
    held_x, held_y = torch.as_tensor(held_x), torch.as_tensor(held_y)
    seeds = itertools.count()

    def run() -> None:
        torch.manual_seed(next(seeds))
        network = torch_network(64, 100, 10)
        epoch, accuracy = torch_epochs(network, x, y, 50, LEARNING_RATE), 0.0
        while accuracy < 0.97:
            epoch()
            with torch.no_grad():
                accuracy = float((network(held_x).argmax(1) == held_y).float().mean())

    return run


MAKERS = {
    "epoch": {"portnn": portnn_epoch, "sklearn": sklearn_epoch, "torch": torch_epoch},
    "spiral": {"portnn": portnn_spiral, "torch": torch_spiral},
    "digits": {"portnn": portnn_digits, "sklearn": sklearn_digits, "torch": torch_digits},
}

JOBS = {
    # task: (arguments, rounds, seconds per turn, number of runs that the figure stands for)
    "epoch": ([()], 15, 0.0, 1),
    "spiral": ([("sigmoid",), ("relu",)], 50, 0.0, 50),
    "digits": ([()], 15, 0.0, 1),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="epoch,spiral,digits")
    parser.add_argument("--rounds", type=int, help="instead of 15, or 50 for the spiral")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        import warnings

        warnings.simplefilter("ignore")  # scikit-learn warns that one epoch is too few
        serve(lambda task, *job: MAKERS[task][options.work](*job), tuned=options.work == "portnn")
        return
    contenders = {name: Contender(__file__, name) for name in ("portnn", "sklearn", "torch")}
    machine = describe("numpy", "scikit-learn", "torch")
    print("seconds: median of the runs (best); the spiral: 50,000 steps at the median (at the best) of 1000\n")
    print("| task | portnn | sklearn | torch | portnn / best peer |\n| --- | --- | --- | --- | --- |")
    results = []
    for task in options.tasks.split(","):
        jobs, rounds, seconds, scale = JOBS[task]
        for job in jobs:
            running = {name: contender for name, contender in contenders.items() if name in MAKERS[task]}
            times = take_turns(running, [task, *job], rounds=options.rounds or rounds, seconds=seconds, warm=0)
            row = {
                name: {"median": scale * statistics.median(values), "best": scale * min(values)}
                for name, values in times.items()
            }
            results.append({"task": task, "job": job, **row})
            print(line(" ".join([task, *job]), row), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine, "rows": results}, file, indent=1)


def line(name: str, row: dict[str, Any]) -> str:
    cells = [
        f"{row[who]['median']:.3g} ({row[who]['best']:.3g})" if who in row else ""
        for who in ("portnn", "sklearn", "torch")
    ]
    ratios = [
        row["portnn"][kind] / min(row[who][kind] for who in row if who != "portnn") for kind in ("median", "best")
    ]
    return f"| {name} | " + " | ".join([*cells, f"{ratios[0]:.2f} ({ratios[1]:.2f})"]) + " |"


if __name__ == "__main__":
    main()
