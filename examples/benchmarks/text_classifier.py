"""A recurrent text classifier: time of an epoch of portnn on NumPy, PyTorch and JAX; quality of portnn and PyTorch.

    python examples/benchmarks/text_classifier.py [TRAIN.tsv] [--rounds 5] [--batches N] [--json FILE]
    python examples/benchmarks/text_classifier.py TRAIN.tsv DEV.tsv --quality [--seeds 5] [--json FILE]

An epoch is all batches of 32 texts, bucketed by length and made inside the time, and for each forward, backward,
clipping to a global norm of 5, and Adam, float32: an embedding of 64 entries, one LSTM of 128 units, its last state, an
affine map to the logits. Without a file the texts are drawn: as many as SST-2 has for training, with lengths and word
frequencies like theirs.

All contenders see the same batches in the same order. Each lives in a process of its own, so that none disturbs
another's threads, and they take turns, an epoch each, round after round. portnn has as many workers as its command line
would take; "one worker" is portnn in a single process. PyTorch reads packed sequences, or the padded ones, and gathers
the last state of each; "sparse" has sparse gradients of the embedding and SparseAdam, which changes only the rows that
a batch uses, as portnn does; the others have its fused Adam. JAX compiles for lengths that are multiples of 8, before
the clock starts. The best peer is the fastest of all these.

--quality trains with several seeds and the settings in text_classifier_quality.py, and prints the accuracy on DEV, its
mean and standard deviation, and the seconds of a run. PyTorch starts from the same weights, sees the same batches, with
the same words dropped, and stops by the same rule; its dropout draws other entries. Its embedding is updated as
portnn's is, row by row, with SparseAdam.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from contenders import THREADS, Contender, Run, describe, serve, take_turns, while_running
from shared_steps import Training, shared_steps

BATCH, EMBEDDING, HIDDEN, CLIP, RATE = 32, 64, 128, 5.0, 2e-3
TEXTS, WORDS, LONGEST = 6920, 20_000, 52
"""Texts that are drawn if no file is given, the words they are drawn from, and the length of the longest."""

MULTIPLE = 8
WARM = 10
"""Batches before the clock starts."""


class Corpus(NamedTuple):
    """Encoded texts and their labels."""

    ids: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]
    targets: np.ndarray[Any, Any]
    rows: int
    """Rows of the embedding."""


def corpus(path: str | None) -> Corpus:
    return drawn() if path is None else read(Path(path))


def drawn() -> Corpus:
    rng = np.random.default_rng(0)
    lengths = np.clip(np.rint(rng.lognormal(np.log(19.0) - 0.125, 0.5, TEXTS)), 1, LONGEST).astype(np.int64)
    shares = 1.0 / np.arange(1, WORDS + 1)
    ids = rng.choice(WORDS, lengths.sum(), p=shares / shares.sum())
    words, ids = np.unique(ids, return_inverse=True)
    return Corpus(ids.astype(np.uint16), np.cumsum(lengths), rng.integers(0, 2, TEXTS), len(words) + 1)


def read(path: Path) -> Corpus:
    from portnn.tables import LabelledTexts
    from portnn.text import WordVocabulary, count_words, encode_texts, text_tokens

    texts, labels = zip(*LabelledTexts(path).read(), strict=True)
    tokens = text_tokens("word", lowercase=True)
    vocabulary = WordVocabulary.from_counts(count_words(list(map(tokens, texts))), min_count=1)
    encoded = encode_texts(texts, tokens, vocabulary)
    _, targets = np.unique(labels, return_inverse=True)
    return Corpus(encoded.ids, encoded.ends, targets, len(vocabulary) + 1)


def batches_of(data: Corpus, multiple: int = 1) -> Any:
    from portnn.batches import SequenceBatches

    return SequenceBatches(data.ids, data.ends, data.targets, batch_size=BATCH, multiple=multiple, seed=0)


def epochs(source: Any, step: Callable[[int], object], most: int | None) -> Run:
    """The next epoch of batches, or the next `most` batches."""
    positions = itertools.count()

    def run() -> None:
        for position in itertools.islice(positions, most or source.batches):
            step(position)

    return run


def on_batches(source: Any, train: Callable[[Any], object]) -> Callable[[int], object]:
    """A function that trains on the batch of a position."""
    return lambda position: train(source.at(position).data)


def portnn_epoch(path: str | None, most: int | None, workers: int | None = None) -> Run:
    import portnn
    from portnn.models import SequenceClassifier
    from portnn.optimizers import Adam
    from portnn.process import one_blas_thread
    from portnn.training import StepSettings, automatic_workers

    data, backend = corpus(path), portnn.backend("numpy")
    model, optimizer = SequenceClassifier(data.rows, 2, "lstm", HIDDEN, embedding_size=EMBEDDING), Adam()
    count = workers or automatic_workers(BATCH, 4 * HIDDEN, backend)
    if count == 1:  # Trainer takes one thread for products as small as these
        while_running.enter_context(one_blas_thread())
    source, settings = batches_of(data), StepSettings(clip_norm=CLIP)
    train = shared_steps(Training(model, optimizer, backend, settings, RATE, BATCH, source.at), count)
    return warmed(source, train, most)


def warmed(source: Any, step: Callable[[int], object], most: int | None) -> Run:
    for position in range(WARM):
        step(position)
    return epochs(source, step, most)


def torch_epoch(path: str | None, most: int | None, *, packed: bool, sparse: bool) -> Run:
    import torch
    from torch_steps import clip, tensors

    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    data = corpus(path)
    embedding = torch.nn.Embedding(data.rows, EMBEDDING, sparse=sparse)
    recurrent, output = torch.nn.LSTM(EMBEDDING, HIDDEN), torch.nn.Linear(HIDDEN, 2)
    dense = [*recurrent.parameters(), *output.parameters(), *(() if sparse else embedding.parameters())]
    optimizers: list[Any] = [torch.optim.Adam(dense, lr=RATE, fused=True)]
    if sparse:
        optimizers.append(torch.optim.SparseAdam(embedding.parameters(), lr=RATE))

    def logits(ids: Any, lengths: Any) -> Any:
        x = embedding(ids)
        if packed:
            x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
            return output(recurrent(x)[1][0][-1])
        y, _ = recurrent(x)
        return output(y[lengths - 1, torch.arange(len(lengths))])

    def train(batch: Any) -> None:
        for optimizer in optimizers:
            optimizer.zero_grad()
        torch.nn.functional.cross_entropy(logits(*tensors(batch)), torch.from_numpy(batch.targets)).backward()
        clip(embedding.weight if sparse else None, dense, CLIP)
        for optimizer in optimizers:
            optimizer.step()

    source = batches_of(data)
    return warmed(source, on_batches(source, train), most)


def jax_epoch(path: str | None, most: int | None) -> Run:
    import jax
    import jax.numpy as jnp

    data, rng = corpus(path), np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return jnp.asarray(rng.uniform(-0.1, 0.1, shape), jnp.float32)

    params = {
        "table": draw(data.rows, EMBEDDING),
        "ih": draw(EMBEDDING, 4 * HIDDEN),
        "hh": draw(HIDDEN, 4 * HIDDEN),
        "bias": draw(4 * HIDDEN),
        "out": draw(HIDDEN, 2),
        "bias_out": draw(2),
    }

    def loss(p: Any, ids: Any, lengths: Any, targets: Any) -> Any:
        def cell(state: Any, x: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(x + h @ p["hh"], 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((ids.shape[1], HIDDEN), jnp.float32)
        _, hs = jax.lax.scan(cell, (zeros, zeros), p["table"][ids] @ p["ih"] + p["bias"])
        log_p = jax.nn.log_softmax(hs[lengths - 1, jnp.arange(len(lengths))] @ p["out"] + p["bias_out"])
        return -jnp.mean(jnp.take_along_axis(log_p, targets[:, None], axis=-1))

    @functools.partial(jax.jit, donate_argnums=(0, 1, 2))
    def step(p: Any, means: Any, squares: Any, number: Any, ids: Any, lengths: Any, targets: Any) -> Any:
        grads = jax.grad(loss)(p, ids, lengths, targets)
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
        grads = jax.tree.map(lambda g: g * jnp.minimum(1.0, CLIP / (norm + 1e-6)), grads)
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, grads)
        squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, grads)
        root = jnp.sqrt(1.0 - 0.999**number)
        rate = RATE * root / (1.0 - 0.9**number)
        p = jax.tree.map(lambda w, m, s: w - rate * m / (jnp.sqrt(s) + 1e-8 * root), p, means, squares)
        return p, means, squares, number + 1.0

    state = [params, *(jax.tree.map(jnp.zeros_like, params) for _ in range(2)), jnp.float32(1.0)]

    def train(batch: Any) -> None:
        state[:] = step(*state, batch.ids, batch.lengths, batch.targets)
        jax.block_until_ready(state)

    source, shapes = batches_of(data, MULTIPLE), set()
    for position in range(source.batches * 3):  # every shape of an epoch: lengths are few, numbers of texts are two
        batch = source.at(position).data
        if batch.ids.shape not in shapes:
            shapes.add(batch.ids.shape)
            train(batch)
    return epochs(source, on_batches(source, train), most)


PORTNN = {"portnn": portnn_epoch, "one worker": functools.partial(portnn_epoch, workers=1)}
PEERS = {
    "torch packed": functools.partial(torch_epoch, packed=True, sparse=False),
    "torch packed, sparse": functools.partial(torch_epoch, packed=True, sparse=True),
    "torch padded": functools.partial(torch_epoch, packed=False, sparse=False),
    "torch padded, sparse": functools.partial(torch_epoch, packed=False, sparse=True),
    "jax": jax_epoch,
}
MAKERS: dict[str, Callable[..., Run]] = {**PORTNN, **PEERS}


def speed(path: str | None, rounds: int, most: int | None) -> dict[str, Any]:
    """Measure and print the time of an epoch."""
    data = corpus(path)
    texts, words = len(data.ends), len(data.ids) / len(data.ends)
    print(f"{texts:,} texts of {words:.1f} words on average, {data.rows - 1:,} of them distinct")
    contenders = {name: Contender(__file__, name) for name in MAKERS}
    times = take_turns(contenders, [path, most], rounds=rounds, seconds=0.0, warm=0)
    row = {name: {"median": statistics.median(found), "best": min(found)} for name, found in times.items()}
    print(f"\nseconds for {f'{most} batches' if most else 'an epoch'}: median (best)\n")
    print("| contender | seconds | portnn / contender |\n| --- | --- | --- |")
    for name, found in row.items():
        ratios = [row["portnn"][kind] / found[kind] for kind in ("median", "best")]
        print(f"| {name} | {found['median']:.3g} ({found['best']:.3g}) | {ratios[0]:.2f} ({ratios[1]:.2f}) |")
    peers = {kind: min(PEERS, key=lambda name: row[name][kind]) for kind in ("median", "best")}
    ratios = [row["portnn"][kind] / row[peer][kind] for kind, peer in peers.items()]
    print(f"\nportnn / best peer ({peers['median']}): {ratios[0]:.2f} ({ratios[1]:.2f})")
    return {"texts": texts, "batches": most, "times": times, **row}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", nargs="?", metavar="TRAIN.tsv")
    parser.add_argument("dev", nargs="?", metavar="DEV.tsv")
    parser.add_argument("--quality", action="store_true", help="measure accuracy in place of time")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, help="in each round; by default an epoch")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        serve(MAKERS[options.work], tuned=options.work in PORTNN)
        return
    results: dict[str, Any] = {"machine": describe("numpy", "torch", "jax")}
    if not options.quality:
        results["epoch"] = speed(options.train, options.rounds, options.batches)
    elif options.dev is None:
        parser.error("--quality needs TRAIN.tsv and DEV.tsv")
    else:
        from text_classifier_quality import quality

        results["quality"] = quality(Path(options.train), Path(options.dev), options.seeds)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
