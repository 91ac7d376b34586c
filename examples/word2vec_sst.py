"""Word vectors of the Stanford Sentiment Treebank: the exercise of Stanford's CS224d, and the same task done fast.

    python examples/word2vec_sst.py FOLDER [--steps N] [--out FOLDER] [--words WORD ...]

FOLDER holds datasetSentences.txt and datasetSplit.txt (https://nlp.stanford.edu/sentiment/). Pictures need matplotlib.

The exercise is that of CS224d, problem set 1 (https://cs224d.stanford.edu), later assignment 1 of CS224n: skip-gram
with 10 negatives for each pair, vectors of 10 numbers, windows of up to 5 words on either side. Each of the 40,000
steps of gradient descent takes the mean cost of 50 windows drawn at random, with a rate of 0.3 that is halved after
20,000. The cost is smoothed, and should come to about 10 or below. A run that was stopped goes on from its latest
checkpoint, one of which is written every 1,000 steps. `portnn.Word2Vec` then walks over the text in blocks instead,
for as many windows.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import portnn
from portnn.datasets import sentiment_treebank
from portnn.models import WindowBatch, WordVectors
from portnn.optimizers import SGD
from portnn.plots import plot_loss, plot_words
from portnn.schedules import Halving
from portnn.text import WordVocabulary, count_words, encode_words
from portnn.training import Interrupted, Plan, Trainer, load_checkpoint
from portnn.training.alias import AliasTable
from portnn.vectors import vocabulary_arrays

SIZE, WINDOW, NEGATIVE, WINDOWS = 10, 5, 10, 50
SLICE = 100
"""Batches are drawn so many at a time: NumPy is quick with large arrays only."""


class RandomWindows:
    """Batches of windows, each around a random word of a random sentence.

    Frequent words are dropped from 30 copies of the text, once and for all. A window reaches 1 to 5 words to either
    side; neighbours equal to its centre do not count, and a window without neighbours is drawn again. Every pair has
    10 negatives of its own, drawn by count^0.75 and drawn again where they are the neighbour itself.
    """

    batch_size, unit, tokens, terms = WINDOWS, "word", WINDOWS, WINDOWS  # so the loss is the mean cost of a window

    def __init__(self, sentences, vocabulary, seed=1):
        self.seed, self.position, self._slice = seed, 0, (-1, None)
        self.negatives = AliasTable(vocabulary.counts**0.75)
        threshold = 1e-5 * vocabulary.counts.sum()
        keep = np.append(np.sqrt(threshold / vocabulary.counts), 1.0)  # the marks between sentences stay
        rng, mark = np.random.default_rng(seed), len(vocabulary)
        ids = np.tile(encode_words(sentences, vocabulary).ids.astype(np.int64), 30)
        ids = ids[rng.random(len(ids)) < keep[ids]]
        ends = np.flatnonzero(ids == mark)
        starts = np.append(0, ends[:-1] + 1)
        # Whether some word of a sentence is not its first: in others no window has a neighbour.
        differ = ids != np.repeat(ids[starts], ends - starts + 1)
        some = np.logical_or.reduceat(differ & (ids != mark), starts)
        self.starts, self.ends = starts[some], ends[some]
        self.ids = np.pad(ids, WINDOW)  # so that every window lies within

    def next(self, rng):
        """Return the next batch and that no carry starts anew; it depends on the seed and the position alone."""
        number, place = divmod(self.position, SLICE)
        if number != self._slice[0]:
            batch = self.draw(np.random.default_rng((self.seed, number)), SLICE * WINDOWS)
            self._slice = number, [array.reshape(SLICE, WINDOWS, *array.shape[1:]) for array in batch]
        self.position += 1
        ids, weights = self._slice[1]
        return WindowBatch(ids[place], weights[place]), False

    def draw(self, rng, count):
        """Return `count` windows: the centre amid its neighbours, then 10 negatives for each neighbour."""
        ids, within = np.empty((count, 2 * WINDOW + 1), np.int64), np.zeros((count, 2 * WINDOW + 1), bool)
        apart = np.arange(-WINDOW, WINDOW + 1)
        reach = rng.integers(1, WINDOW + 1, count)
        missing = np.arange(count)
        while len(missing):
            sentence = rng.integers(0, len(self.starts), len(missing))
            first, end = self.starts[sentence], self.ends[sentence]
            place = rng.integers(first, end)[:, None] + apart
            ids[missing] = self.ids[place + WINDOW]
            within[missing] = (
                (np.abs(apart) <= reach[missing, None])
                & (place >= first[:, None])
                & (place < end[:, None])
                & (ids[missing] != ids[missing, WINDOW, None])
            )
            missing = missing[~within[missing].any(axis=1)]
        neighbours, pairs = (np.delete(array, WINDOW, axis=1)[:, :, None] for array in (ids, within))
        shape = (count, 2 * WINDOW, NEGATIVE)
        drawn = np.zeros(shape, np.int64)
        missing = np.broadcast_to(pairs, shape)
        while missing.any():
            drawn[missing] = self.negatives.draw(rng, (np.count_nonzero(missing),))
            missing = pairs & (drawn == neighbours)
        ids[~within] = np.where(np.arange(2 * WINDOW + 1) == WINDOW, ids, 0)[~within]
        weights = np.concatenate([within, np.repeat(pairs[:, :, 0], NEGATIVE, axis=1)], axis=1, dtype=np.float32)
        return WindowBatch(np.concatenate([ids, drawn.reshape(count, -1)], axis=1), weights[:, None, :])


def exercise(sentences, vocabulary, steps, folder):
    """Train as the exercise says; go on with the run in the folder, if there is one."""
    source, where = RandomWindows(sentences, vocabulary), portnn.backend("numpy")
    model = WordVectors(len(vocabulary), SIZE, WINDOW)
    rng = np.random.default_rng(1)
    plan = Plan(
        optimizer=SGD(),
        schedule=Halving(0.3 / WINDOWS, every=20_000),  # the loss is a sum over the windows
        log_every=100,
        evaluate_every=1000,
        checkpoint_every=1000,
        smoothing=0.95,
    )

    def show(line):
        if line["step"] % 1000 == 0:
            speed = line["words_per_second"]
            print(
                f"step {line['step']:6,}: smoothed cost {line['loss']:.3f} a window, {speed:,.0f} windows/s", flush=True
            )

    params = {name: where.asarray(table) for name, table in model.init(rng).items()}
    constants = vocabulary_arrays(vocabulary.words, vocabulary.counts)
    trainer = Trainer(
        model, source, plan, where, params, rng, folder=folder, constants=constants, on_metrics=show, quiet=True
    )
    checkpoint = folder / "last.safetensors"
    if checkpoint.exists():
        arrays, facts = load_checkpoint(checkpoint)
        if any(not np.array_equal(arrays.get(name), array) for name, array in constants.items()):
            raise SystemExit(f"{checkpoint} is of another text; name another folder with --out")
        trainer.restore(arrays, facts)
        print(f"going on after step {trainer.state.step:,}")
    return trainer.run(steps)


def cost(params, windows):
    """Mean cost of windows, in nats."""
    model = WordVectors(*params["input"].shape, WINDOW)
    return float(model.loss(params, windows, xp=np)[0]) / len(windows.ids)


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("folder", type=Path, nargs="?")
parser.add_argument("--steps", type=int, default=40_000)
parser.add_argument("--out", type=Path, default=Path("word2vec_sst"), help="checkpoints, vectors and pictures")
parser.add_argument("--words", nargs="+", default="the a an movie ordinary but and".split())
args = parser.parse_args()
if args.folder is None or not (args.folder / "datasetSentences.txt").is_file():
    parser.exit(2, "give the folder of the Stanford Sentiment Treebank, in which datasetSentences.txt is\n")
sentences = sentiment_treebank(args.folder, lowercase=True).sentences
vocabulary = WordVocabulary.from_counts(count_words(sentences), min_count=1)
print(f"{len(sentences):,} sentences, {vocabulary.counts.sum():,} words, {len(vocabulary):,} distinct")

try:
    slow = exercise(sentences, vocabulary, args.steps, args.out)
except Interrupted as stopped:
    raise SystemExit(f"{stopped}; the same command goes on") from None
slow_params = slow.params

fast = portnn.Word2Vec(SIZE, WINDOW, negative=NEGATIVE, sample=1e-5, min_count=1, seed=1)
windows = slow.step * WINDOWS
kept = np.minimum(np.sqrt(1e-5 * vocabulary.counts.sum() / vocabulary.counts), 1.0) @ vocabulary.counts
began = time.perf_counter()
fast.fit(sentences, epochs=windows / kept, progress=False)
seconds = time.perf_counter() - began

fresh = RandomWindows(sentences, vocabulary, seed=2).draw(np.random.default_rng(2), 20_000)
print(f"\n{'':10}{'windows':>12}{'seconds':>9}{'windows/s':>11}{'cost of 20,000 fresh windows':>30}")
for name, params, taken in (("exercise", slow_params, slow.seconds), ("Word2Vec", fast.params, seconds)):
    print(f"{name:10}{windows:12,}{taken:9.1f}{windows / taken:11,.0f}{cost(params, fresh):30.3f}")
print(f"smoothed cost of the exercise at its end: {slow.smooth_loss:.3f}")

tables = {
    "exercise": portnn.KeyedVectors(vocabulary.words, slow_params["input"] + slow_params["output"], vocabulary.counts),
    "Word2Vec": fast.vectors("sum"),
}
words = [word for word in args.words if word in vocabulary.index]
for name, wv in tables.items():
    print(f"\n{name}: sum of both vectors, and the nearest words")
    for word in words:
        print(
            f"{word:10}", " ".join(f"{x:6.2f}" for x in wv[word]), *(near for near, _ in wv.most_similar(word, topn=5))
        )
    wv.save(args.out / f"{name}.safetensors")

plot_loss(args.out, ylabel="smoothed cost of a window [nats]", bits=False, title="Skip-gram on the treebank").savefig(
    args.out / "loss.png", dpi=150
)
figure = Figure(figsize=(11, 4.8), layout="constrained")
for ax, (name, wv) in zip(figure.subplots(1, 2), tables.items(), strict=True):
    plot_words(wv, words, ax=ax, title=name)
figure.savefig(args.out / "words.png", dpi=150)
print(f"\n{args.out} holds both tables, loss.png and words.png")
