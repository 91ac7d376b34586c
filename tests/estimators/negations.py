"""Short texts with and without "not", whose label follows from their words, and small classifiers of them."""

from __future__ import annotations

import numpy as np

import portnn
from portnn.backends import to_host

FILLING = ("a", "the", "film", "story", "was", "very")
TEXTS, SIGNS = [], []
_rng = np.random.default_rng(5)
for _number in range(52):
    words = list(_rng.choice(FILLING, _rng.integers(0, 6)))
    _good, _not = _rng.integers(0, 2, 2)
    words[0:0] = (["not"] if _not else []) + ["good" if _good else "bad"]
    TEXTS.append(" ".join(words))
    SIGNS.append("+" if _good != _not else "-")
TEXTS += ["good", "bad", "not good", "not bad"] * 2
SIGNS += ["+", "-", "-", "+"] * 2

SMALL = {"hidden_size": 8, "embedding_size": 5, "seed": 3, "dtype": "float64"}
QUICK = {"progress": False, "epochs": 3, "batch_size": 8}
LEARNING = {"progress": False, "epochs": 25, "batch_size": 8, "learning_rate": 0.03}


def network(backend="numpy", **changes):
    return portnn.TextClassifier(**{**SMALL, **changes}, backend=backend)


def tables(model):
    return {name: np.array(to_host(array)) for name, array in model.params.items()}


def equal(one, other):
    left, right = tables(one), tables(other)
    return left.keys() == right.keys() and all(left[name].tobytes() == right[name].tobytes() for name in left)


def write_tsv(path, texts=TEXTS, labels=SIGNS):
    lines = (f"{text}\t{label}\n" for text, label in zip(texts, labels, strict=True))
    path.write_text("".join(lines), encoding="utf-8")
    return path
