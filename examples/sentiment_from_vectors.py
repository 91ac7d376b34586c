"""Sentiment of sentences from their mean word vectors, by softmax regression with L2 chosen on held-out sentences.

    python examples/sentiment_from_vectors.py TRAIN HELD_OUT [TEST] [--vectors FILE | --treebank FOLDER] [--out PNG]

Each line of the files is a sentence, a tab and its class, a whole number. Word vectors come from a file in any format
that portnn reads; without one they are learned first, from the training sentences or from the Stanford Sentiment
Treebank in a folder. The accuracy on the sentences that L2 was chosen on is slightly optimistic; TEST gives an unbiased
one. The plot needs matplotlib.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import portnn
from portnn.datasets import labelled_sentences, sentiment_treebank

GRID = (0.0, *np.logspace(-5, 1, 13))


def mean_vectors(sentences, wv):
    """Mean vector of the known words of each sentence, or zeros: an array (sentences, size)."""
    rows = np.zeros((len(sentences), wv.vector_size), np.float32)
    for row, words in zip(rows, sentences, strict=True):
        known = [word for word in words if word in wv]
        if known:
            row[:] = np.mean(wv[known], axis=0)
    return rows


parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("files", type=Path, nargs="*", metavar="TRAIN HELD_OUT [TEST]")
parser.add_argument("--vectors", type=Path, help="word vectors, in any format that portnn reads")
parser.add_argument("--treebank", type=Path, help="folder of sentences to learn vectors from")
parser.add_argument("--size", type=int, default=100, help="size of the learned vectors")
parser.add_argument("--epochs", type=float, default=30, help="epochs of learning vectors")
parser.add_argument("--out", type=Path, default=Path("sentiment.png"))
args = parser.parse_args()
missing = [str(path) for path in args.files if not path.is_file()]
if missing or not 2 <= len(args.files) <= 3:
    reason = f"missing: {', '.join(missing)}" if missing else "TRAIN HELD_OUT [TEST]"
    parser.exit(2, f"give two or three files of labelled sentences; {reason}\n")

try:
    data = {
        name: labelled_sentences(path, lowercase=True, classes=None)
        for name, path in zip(("training", "held out", "test"), args.files, strict=False)
    }
    if args.vectors:
        wv = portnn.KeyedVectors.load(args.vectors)
    else:
        treebank = sentiment_treebank(args.treebank, lowercase=True) if args.treebank else None
        sentences = treebank.part("train") if treebank else data["training"][0]
        wv = portnn.Word2Vec(sentences, vector_size=args.size, min_count=2, epochs=args.epochs, alpha=0.05, seed=1).wv
except (OSError, ValueError) as error:
    parser.exit(2, f"{error}\n")
rows = {name: (mean_vectors(sentences, wv), labels) for name, (sentences, labels) in data.items()}
for name, (sentences, _) in data.items():
    words = [word for sentence in sentences for word in sentence]
    print(f"{name}: {len(sentences):,} sentences, {np.mean([word in wv for word in words]):.1%} of the words known")

results = []
print(f"\n{'L2':>9}{'training':>10}{'held out':>10}")
for l2 in GRID:
    model = portnn.SoftmaxRegression(l2=l2, standardize=True, seed=1)
    model.fit(*rows["training"], schedule="linear", progress=False)
    results.append((model, *(model.score(*rows[name]) for name in ("training", "held out"))))
    print(f"{l2:9.2g}{results[-1][1]:10.3f}{results[-1][2]:10.3f}")
best = int(np.argmax([held_out for _, _, held_out in results]))
classes, counts = np.unique(rows["training"][1], return_counts=True)
majority = {name: np.mean(labels == classes[counts.argmax()]) for name, (_, labels) in rows.items()}
print(f"\nbest L2: {GRID[best]:.2g}")
for name, part in rows.items():
    print(f"{name}: accuracy {results[best][0].score(*part):.3f}, largest class of training {majority[name]:.3f}")

ax = Figure(figsize=(6.8, 4.4), layout="constrained").subplots()
for column, (name, marker) in enumerate((("training", "o"), ("held out", "s")), 1):
    ax.plot(GRID, [result[column] for result in results], marker=marker, ms=4, label=name)
ax.axvline(GRID[best], color="0.5", ls=":", label="chosen")
ax.axhline(majority["held out"], color="0.5", ls="--", label="largest class, held out")
ax.set_xscale("symlog", linthresh=GRID[1])
ax.set_xlim(-GRID[1] / 4, 2 * GRID[-1])
ax.set(xlabel="L2", ylabel="accuracy", title="Softmax regression on mean word vectors")
ax.grid(alpha=0.25)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
ax.figure.savefig(args.out, dpi=150)
print(f"{args.out} shows accuracy over L2")
