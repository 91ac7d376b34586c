"""Word vectors of the Stanford Sentiment Treebank: the exercise of Stanford's CS224d, and a fast solution.

    python examples/word2vec_sst.py FOLDER [--steps N] [--sample SHARE] [--out FOLDER] [--words WORD ...]

FOLDER holds datasetSentences.txt and datasetSplit.txt (https://nlp.stanford.edu/sentiment/). Plots need matplotlib.

The exercise is that of CS224d, problem set 1 (https://cs224d.stanford.edu), later assignment 1 of CS224n: skip-gram
with 10 negatives for each pair, vectors of 10 numbers, windows of up to 5 words on either side. Each of the 40,000
steps of gradient descent takes the mean cost of 50 random windows, with a learning rate of 0.3 that is halved after
20,000 steps. The smoothed cost should fall to about 10 or less. A stopped run resumes from its latest checkpoint,
which is written every 1,000 steps. `portnn.Word2Vec` then processes the text in blocks, for about as many windows.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import portnn
from portnn.batches import AliasTable, Batch
from portnn.batches.windows import chance_to_keep
from portnn.checkpoints import load_checkpoint
from portnn.datasets import sentiment_treebank
from portnn.models import WindowBatch, WordVectors
from portnn.optimizers import SGD
from portnn.optimizers.schedules import Halving
from portnn.plots import plot_loss, plot_words
from portnn.text import WordVocabulary, count_words, encode_words
from portnn.training import Interrupted, Plan, Trainer
from portnn.vectors import vocabulary_arrays

SIZE, WINDOW, NEGATIVE, WINDOWS, SEED = 10, 5, 10, 50, 1
FREQUENT = 1000
SLICE = 100
"""Number of batches drawn at a time: NumPy is fast only with large arrays."""


class RandomWindows:
    """Batches of windows, each around a random word of a random sentence.

    Frequent words are dropped at random from 30 copies of the text, once. A window extends 1 to 5 words to either
    side; neighbours equal to its centre do not count, and a window without neighbours is drawn again. Every pair has
    its own 10 negatives, drawn in proportion to count^0.75, and again if they equal the neighbour.
    """

    batch_size, tokens, batches = WINDOWS, WINDOWS, SLICE
    unit, speed = "word", "words_per_second"

    def __init__(self, sentences, vocabulary, sample):
        self._slice = (-1, None)
        self.negatives = AliasTable(vocabulary.counts**0.75)
        keep = np.sqrt(sample * vocabulary.counts.sum() / vocabulary.counts)
        keep = np.append(keep, 1.0)  # keep the end marks of sentences
        ids, mark = np.tile(encode_words(sentences, vocabulary).ids.astype(np.int64), 30), len(vocabulary)
        ids = ids[np.random.default_rng(SEED).random(len(ids)) < keep[ids]]
        ends = np.flatnonzero(ids == mark)
        starts = np.append(0, ends[:-1] + 1)
        # Sentences with at least two distinct words: in the others no window has a neighbour.
        other = (ids != np.repeat(ids[starts], ends - starts + 1)) & (ids != mark)
        some = np.logical_or.reduceat(other, starts)
        if not some.any():
            raise ValueError("too few words are left once the frequent ones are dropped; a larger --sample keeps more")
        self.starts, self.ends = starts[some], ends[some]
        self.ids = np.pad(ids, WINDOW)  # so that every window fits

    def at(self, position):
        """Make the batch of a position. It has a term for each window, so that the loss is the mean cost of one."""
        number, place = divmod(position, SLICE)
        if number != self._slice[0]:
            batch = self.draw(np.random.default_rng((SEED, number)), SLICE * WINDOWS)
            self._slice = number, [array.reshape(SLICE, WINDOWS, *array.shape[1:]) for array in batch]
        ids, weights = self._slice[1]
        return Batch(WindowBatch(ids[place], weights[place]), WINDOWS, False)

    def draw(self, rng, count):
        """Return `count` windows: the centre between its neighbours, then 10 negatives for each neighbour."""
        apart = np.arange(-WINDOW, WINDOW + 1)
        ids, within = np.empty((count, len(apart)), np.int64), np.empty((count, len(apart)), bool)
        reach = rng.integers(1, WINDOW + 1, (count, 1))
        redraw = np.arange(count)
        while len(redraw):
            sentence = rng.integers(0, len(self.starts), len(redraw))
            first, end = self.starts[sentence, None], self.ends[sentence, None]
            centre = rng.integers(first, end)
            place = centre + apart
            ids[redraw] = self.ids[WINDOW + place]
            near = (abs(apart) <= reach[redraw]) & (place >= first) & (place < end)
            within[redraw] = near & (ids[redraw] != self.ids[WINDOW + centre])
            redraw = redraw[~within[redraw].any(axis=1)]
        ids[~within & (apart != 0)] = 0  # any word will do if there is no neighbour
        neighbours, pairs = (np.delete(array, WINDOW, axis=1)[:, :, None] for array in (ids, within))
        drawn = np.zeros((count, 2 * WINDOW, NEGATIVE), np.int64)
        redraw = np.broadcast_to(pairs, drawn.shape)
        while redraw.any():
            drawn[redraw] = self.negatives.draw(rng, (np.count_nonzero(redraw),))
            redraw = pairs & (drawn == neighbours)
        weights = np.concatenate([within, np.repeat(pairs[:, :, 0], NEGATIVE, axis=1)], axis=1, dtype=np.float32)
        return WindowBatch(np.concatenate([ids, drawn.reshape(count, -1)], axis=1), weights[:, None, :])


def exercise(source, vocabulary, sample, steps, folder):
    """Train as in the exercise; resume the run in the folder, if there is one."""
    backend, rng = portnn.backend("numpy"), np.random.default_rng(SEED)
    model = WordVectors(len(vocabulary), SIZE, WINDOW)
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
            cost = f"smoothed cost {line['loss']:.3f} per window"
            print(f"step {line['step']:6,}: {cost}, {speed:,.0f} windows/s", flush=True)

    params = {name: backend.asarray(table) for name, table in model.init(rng).items()}
    constants = vocabulary_arrays(vocabulary.words, vocabulary.counts)
    saved_with = {"folder": folder, "facts": {"sample": sample}, "constants": constants}
    trainer = Trainer(model, source, plan, backend, params, on_metrics=show, quiet=True, **saved_with)
    checkpoint = folder / "last.safetensors"
    if checkpoint.exists():
        arrays, saved = load_checkpoint(checkpoint)
        same = all(np.array_equal(arrays.get(name), array) for name, array in constants.items())
        if not same or saved.get("sample") != sample:
            raise SystemExit(f"{checkpoint} is of another text or --sample; choose another folder with --out")
        trainer.restore(arrays, saved)
        print(f"resuming after step {trainer.state.step:,}")
    return trainer.run(steps)


def cost(params, windows):
    """Mean cost of windows, in nats."""
    model = WordVectors(*params["input"].shape, WINDOW)
    return float(model.loss(params, windows, xp=np)[0]) / len(windows.ids)


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("folder", type=Path, nargs="?", help="folder of the treebank")
parser.add_argument("--steps", type=int, default=40_000)
parser.add_argument("--sample", type=float, default=1e-5, help="frequency above which words are dropped at random")
parser.add_argument("--out", type=Path, default=Path("word2vec_sst"), help="folder for checkpoints, vectors and plots")
parser.add_argument("--words", nargs="+", default=["the", "a", "an", "movie", "ordinary", "but", "and"])
args = parser.parse_args()
if args.folder is None:
    parser.exit(2, "give the folder of the Stanford Sentiment Treebank, which holds datasetSentences.txt\n")
try:
    sentences = sentiment_treebank(args.folder, lowercase=True).sentences
    vocabulary = WordVocabulary.from_counts(count_words(sentences), min_count=1)
    words = [word for word in args.words if word in vocabulary.index]
    if args.steps < 1 or not words:
        raise ValueError("--steps must be positive" if words else "the treebank has none of --words")
    source = RandomWindows(sentences, vocabulary, args.sample)
except (OSError, ValueError) as error:
    parser.exit(2, f"{error}\n")
total = int(vocabulary.counts.sum())
print(f"{len(sentences):,} sentences, {total:,} words, {len(vocabulary):,} distinct")

try:
    slow = exercise(source, vocabulary, args.sample, args.steps, args.out)
except Interrupted as stopped:
    raise SystemExit(f"{stopped}; run the same command to resume") from None
windows = slow.step * WINDOWS
kept = float(chance_to_keep(vocabulary.counts, args.sample) @ vocabulary.counts)  # centres in one epoch
# In a text with few distinct words, a large batch updates each word so often that training diverges.
batch_size = min(512, max(1, len(vocabulary) // 4))
fast = portnn.Word2Vec(
    vector_size=SIZE,
    window=WINDOW,
    negative=NEGATIVE,
    sample=args.sample,
    min_count=1,
    batch_size=batch_size,
    seed=SEED,
)
fast.fit(sentences, epochs=windows / kept, progress=False)

fresh = source.draw(np.random.default_rng(SEED + 1), 20_000)
print(f"\n{'':10}{'windows':>12}{'seconds of training':>21}{'windows/s':>11}{'cost of 20,000 fresh windows':>30}")
for name, run in (("exercise", slow), ("Word2Vec", fast.history)):
    print(f"{name:10}{windows:12,}{run.seconds:21.1f}{windows / run.seconds:11,.0f}{cost(run.params, fresh):30.3f}")
print(f"smoothed cost of the exercise at its end: {slow.smooth_loss:.3f}")

tables = {
    "exercise": portnn.KeyedVectors(vocabulary.words, slow.params["input"] + slow.params["output"], vocabulary.counts),
    "Word2Vec": fast.vectors("sum"),
}
for name, wv in tables.items():
    print(f"\n{name}: sum of both vectors, and the nearest of the {FREQUENT:,} most frequent words")
    for word in words:
        near = wv.most_similar(word, topn=5, restrict_vocab=FREQUENT)
        print(f"{word:10}", *(f"{x:6.2f}" for x in wv[word]), "", *(neighbour for neighbour, _ in near))
    wv.save(args.out / f"{name}.safetensors")

plot_loss(args.out, ylabel="smoothed cost per window [nats]", bits=False, title="Skip-gram on the treebank").savefig(
    args.out / "loss.png", dpi=150
)
figure = Figure(figsize=(11, 4.8), layout="constrained")
for ax, (name, wv) in zip(figure.subplots(1, 2), tables.items(), strict=True):
    plot_words(wv, words, ax=ax, title=name)
figure.savefig(args.out / "words.png", dpi=150)
print(f"\n{args.out} holds both tables, loss.png and words.png")
