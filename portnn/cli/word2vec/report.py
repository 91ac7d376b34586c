"""What a training run of word vectors reports at its end."""

from __future__ import annotations

import math
import shlex

import numpy as np

from portnn.cli.options import print_json
from portnn.cli.ranks import by_first
from portnn.cli.runs import draw_curve
from portnn.estimators import Word2Vec
from portnn.training import Metrics, RunFolder, read_metrics

TASTES, NEIGHBOURS = 4, 5
"""Words whose neighbours are shown, and how many of them."""

FEWEST_POINTS = 3
"""Fewest epochs for the loss curve to have a point for each."""

LITTLE = 0.85
"""Share of the loss of guessing above which little was learned."""

COMMONEST = 2 / 3
"""Share of a text that consists of its commonest words."""


@by_first
def report(model: Word2Vec, folder: RunFolder, as_json: bool) -> None:
    """Report what a run learned, how fast, where its files are and what to ask next."""
    run, vocabulary = model.history, model.vocabulary
    assert run is not None
    assert vocabulary is not None
    lines = read_metrics(folder.metrics)
    loss = lines[-1]["loss"]
    words = tastes(model)
    near = {word: neighbours(model, word) for word in words}
    drawn, trouble = draw_curve(folder, whole_epochs(lines, model.steps_per_epoch), title="Word vectors")
    command = shlex.join(["portnn", "word2vec", "similar", str(folder.last), words[0]])
    known = int(vocabulary.counts.sum())
    if as_json:
        print_json(
            {
                "steps": run.step,
                "loss_nats_per_pair": loss,
                "guess_nats_per_pair": guess(model),
                "epoch_losses": model.epoch_losses,
                "words": known,
                "vocabulary": len(vocabulary),
                "neighbours": near,
                "words_per_second": run.tokens_per_second,
                "seconds": run.seconds,
                "vectors": str(folder.last),
                "metrics": str(folder.metrics),
                "loss_curve": str(folder.curve) if drawn else None,
                "similar_command": command,
            }
        )
        return
    print(f"learned     {loss:.3f} nats per pair in the last epoch (guessing: {guess(model):.3f})")
    if loss > LITTLE * guess(model):
        print("            hardly more than guessing: try more --epochs or a higher --alpha")
    for number, (word, others) in enumerate(near.items()):
        print(f"{'' if number else 'neighbours':10s}  {word}: {' '.join(others)}")
    print(f"text        {known:,} words, {len(vocabulary):,} different{left_out(model)}")
    print(f"speed       {run.tokens_per_second:,.0f} words/s over {run.seconds:.1f} s of training, {run.step} steps")
    print(f"vectors     {folder.last}")
    print(f"metrics     {folder.metrics}")
    print(f"loss curve  {folder.curve if drawn else trouble}")
    print(f"next        {command}")


def guess(model: Word2Vec) -> float:
    """Loss of a pair, in nats, for vectors of zeros."""
    assert model.vocabulary is not None
    negative = model.settings.negative
    return (1 + negative) * math.log(2.0) if negative else math.log(len(model.vocabulary))


def left_out(model: Word2Vec) -> str:
    """How many words were left out, if known."""
    assert model.vocabulary is not None
    dropped = model.vocabulary.dropped
    return f"; {dropped:,} rarer ones are left out" if dropped else ""


def tastes(model: Word2Vec) -> list[str]:
    """A few frequent words, without the very commonest, whose neighbours say little."""
    vocabulary = model.vocabulary
    assert vocabulary is not None
    commonest = int(np.searchsorted(np.cumsum(vocabulary.counts), vocabulary.counts.sum() * COMMONEST))
    rest = [word for word in vocabulary.words[commonest:] if word.isalpha()]
    return (rest or list(vocabulary.words))[:TASTES]


def neighbours(model: Word2Vec, word: str) -> list[str]:
    """Words near a word, without punctuation marks, which also have vectors."""
    near = [other for other, _ in model.wv.most_similar(word, topn=10 * NEIGHBOURS)]
    return [other for other in near if any(map(str.isalnum, other))][:NEIGHBOURS]


def whole_epochs(lines: list[Metrics], steps_per_epoch: int) -> list[Metrics]:
    """The last line of each epoch; all lines, if fewer than `FEWEST_POINTS` epochs are whole.

    A line's loss is the mean since its epoch began, which lags behind and jumps where the next begins.
    """
    ends = [line for line in lines if line["step"] % steps_per_epoch == 0]
    return ends if len(ends) >= FEWEST_POINTS else lines
