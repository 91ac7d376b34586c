"""Short training runs of each kind of network, whose steps are timed: what benchmarks of several processes share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class TrainingRun(NamedTuple):
    """An estimator, and what its `fit` gets."""

    estimator: Any
    data: tuple[Any, ...]
    settings: dict[str, Any]


def char_rnn(cell: str, batch: int, hidden: int, length: int, vocabulary: int) -> TrainingRun:
    """A character RNN: batch, units, characters in a chunk, characters in the vocabulary."""
    import portnn

    letters = [chr(0x100 + number) for number in range(vocabulary)]
    text = "".join(np.random.default_rng(0).permutation(letters * 4000))
    return TrainingRun(
        portnn.CharRNN(cell, hidden_size=hidden, seed=0, backend="numpy"),
        (text,),
        {"batch_size": batch, "seq_length": length},
    )


def mlp(batch: int, hidden: list[int], count: int) -> TrainingRun:
    """A feed-forward network on random rows of 784 entries: batch, units of the hidden layers, rows."""
    from mlp import rows

    import portnn

    return TrainingRun(portnn.MLP(tuple(hidden), seed=0), rows(count, 784), {"batch_size": batch})


def text_classifier(batch: int, hidden: int, count: int) -> TrainingRun:
    """An LSTM that reads drawn texts, with embeddings of 64 entries: batch, units, texts."""
    from text_classifier import drawn

    import portnn

    corpus = drawn()
    texts = [" ".join(f"w{word}" for word in ids) for ids in np.split(corpus.ids, corpus.ends)[:count]]
    labels = [str(target) for target in corpus.targets[:count]]
    return TrainingRun(portnn.TextClassifier(hidden_size=hidden, seed=0), (texts, labels), {"batch_size": batch})


def conv_net(batch: int, channels: list[int], count: int) -> TrainingRun:
    """A convolutional network on random images of 32 x 32 x 3: batch, channels of the convolutions, images."""
    from conv import task

    import portnn

    found = task("32 x 32 x 3")
    return TrainingRun(
        portnn.ConvNet(channels=tuple(channels), seed=0),
        (found.images[:count], found.labels[:count]),
        {"batch_size": batch},
    )


NETWORKS: dict[str, Callable[..., TrainingRun]] = {
    function.__name__: function for function in (char_rnn, mlp, text_classifier, conv_net)
}

LINE = 5
"""Steps between lines of metrics."""


def step_times(run: TrainingRun, workers: int | str, steps: int) -> list[float]:
    """Seconds of a step, its batch included, in each five steps but the first, in which caches fill."""
    often = {"log_every": LINE, "evaluate_every": steps}
    run.estimator.fit(*run.data, **run.settings, **often, steps=steps, workers=workers, held_out=0.0, progress=False)
    marks = [(line["step"], line["seconds"]) for line in run.estimator.metrics]
    return [(end - begin) / (last - first) for (first, begin), (last, end) in itertools.pairwise(marks)]


def parameters(run: TrainingRun) -> int:
    """Entries of the parameters of a network that has been trained."""
    return sum(array.size for array in run.estimator.params.values())
