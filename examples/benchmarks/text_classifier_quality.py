"""Accuracy of a text classifier that portnn trains, and of the same model in PyTorch: see text_classifier.py."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contenders import THREADS
from torch_steps import clip, tensors

import portnn
from portnn.backends import tree_map
from portnn.batches import padded
from portnn.estimators.text_classifier_settings import TextClassifierRun
from portnn.tables import LabelledTexts
from portnn.text import encode_texts, text_tokens
from portnn.training import RunState

QUALITY: dict[str, dict[str, Any]] = {
    "model": {
        "cell": "lstm",
        "hidden_size": 64,
        "embedding_size": 200,
        "bidirectional": True,
        "pooling": "max",
        "dropout": 0.5,
        "word_dropout": 0.1,
        "min_count": 2,
    },
    "fit": {"epochs": 6.0, "schedule": "cosine"},
}
"""Settings of `portnn.TextClassifier` and of its `fit`, with Adam.

With `patience` and a `held_out` fraction of TRAIN, the best parameters are measured, else the last.
"""


def quality(train: Path, dev: Path, seeds: int) -> dict[str, Any]:
    """Measure and print the accuracy of several seeds."""
    print("| contender | accuracy of each seed | mean | standard deviation | seconds |")
    print("| --- | --- | --- | --- | --- |")
    found: dict[str, Any] = {"settings": QUALITY}
    for name, run in (("portnn", portnn_quality), ("torch", torch_quality)):
        accuracies, seconds = [], []
        for seed in range(1, seeds + 1):
            start = time.perf_counter()
            accuracies.append(run(train, dev, seed))
            seconds.append(time.perf_counter() - start)
        spread = statistics.stdev(accuracies) if seeds > 1 else 0.0
        each = " ".join(f"{accuracy:.4f}" for accuracy in accuracies)
        mean, took = statistics.mean(accuracies), statistics.mean(seconds)
        print(f"| {name} | {each} | {mean:.4f} | {spread:.4f} | {took:.1f} |", flush=True)
        found[name] = {"accuracies": accuracies, "seconds": seconds}
    return found


def portnn_quality(train: Path, dev: Path, seed: int) -> float:
    model = portnn.TextClassifier(**QUALITY["model"], seed=seed)
    return float(model.fit(train, **QUALITY["fit"], progress=False).score(dev))


def torch_quality(train: Path, dev: Path, seed: int) -> float:
    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    # The run that `fit` would prepare: its words, batches, first weights and rule for stopping.
    classifier = portnn.TextClassifier(**QUALITY["model"], seed=seed)
    settings = TextClassifierRun(**QUALITY["fit"], progress=False)
    task = classifier._task(train, None, None, settings, None)
    vars(classifier).update({**task.attributes, "model": task.model, "params": task.params})
    task.batches.masks = ()
    network = TorchNetwork(classifier)
    words, rule = list(classifier.vocabulary.words), RunState(None, None, None)
    total = settings.total_steps(task.batches.batches)
    every = settings.cadence(task.batches.batches, total)["evaluate_every"]
    rates, best = settings.schedule_over(total)["schedule"], (np.inf, {})
    for number in range(total):
        network.train(task.batches.at(number).data, rates(number), settings.clip_norm)
        if task.held_out is None or ((number + 1) % every and number + 1 < total):
            continue
        now = portnn.text_classifier_from_torch(network.modules, words)
        measured = task.held_out(tree_map(task.backend.asarray, now.params))
        if measured < best[0]:
            best = measured, {name: value.clone() for name, value in network.modules.state_dict().items()}
        rule.wait_for(measured, settings.tolerance)
        if settings.patience is not None and rule.waited >= settings.patience:
            break
    if settings.patience is not None and best[1]:
        network.modules.load_state_dict(best[1])
    return network.accuracy(classifier, dev)


class TorchNetwork:
    """The model of a classifier in PyTorch, with its weights."""

    def __init__(self, classifier: Any) -> None:
        model = classifier.model
        layers = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[model.cell]
        self.pooling = model.pooling
        table = torch.nn.Embedding(model.vocabulary_size, model.embedding_size, sparse=True)
        between = model.dropout if model.num_layers > 1 else 0.0
        sizes = (model.embedding_size, model.hidden_size, model.num_layers)
        recurrent = layers(*sizes, bidirectional=model.bidirectional, dropout=between)
        self.dropout = torch.nn.Dropout(model.dropout)
        output = torch.nn.Linear(model.stack.output_size, model.outputs)
        self.modules = torch.nn.Sequential(table, recurrent, self.dropout, output)
        portnn.text_classifier_to_torch(classifier, self.modules)
        self.table, self.dense = table.weight, [*recurrent.parameters(), *output.parameters()]
        self.optimizers = [torch.optim.Adam(self.dense, fused=True), torch.optim.SparseAdam([self.table])]

    def logits(self, ids: Any, lengths: Any) -> Any:
        """Logits (batch, outputs) of padded ids (time, batch)."""
        table, recurrent, _, output = self.modules
        rnn = torch.nn.utils.rnn
        ys, final = recurrent(rnn.pack_padded_sequence(self.dropout(table(ids)), lengths, enforce_sorted=False))
        if self.pooling == "last":
            h = final[0] if isinstance(final, tuple) else final
            pooled = torch.cat((h[-2], h[-1]), dim=1) if recurrent.bidirectional else h[-1]
        elif self.pooling == "mean":
            pooled = rnn.pad_packed_sequence(ys)[0].sum(dim=0) / lengths[:, None]
        else:
            pooled = rnn.pad_packed_sequence(ys, padding_value=-np.inf)[0].amax(dim=0)
        return output(self.dropout(pooled))

    def train(self, batch: Any, rate: float, clip_norm: float | None) -> None:
        """Take a step."""
        self.modules.train()
        for optimizer in self.optimizers:
            optimizer.zero_grad()
            optimizer.param_groups[0]["lr"] = rate
        loss = torch.nn.functional.cross_entropy(self.logits(*tensors(batch)), torch.from_numpy(batch.targets))
        loss.backward()
        clip(self.table, self.dense, clip_norm or np.inf)
        for optimizer in self.optimizers:
            optimizer.step()

    def accuracy(self, classifier: Any, path: Path) -> float:
        """Accuracy on the texts of a file."""
        texts, labels = zip(*LabelledTexts(path).read(), strict=True)
        chosen, names = classifier.settings, [str(label) for label in classifier.labels.names]
        tokens = text_tokens(chosen.level, lowercase=chosen.lowercase)
        encoded = encode_texts(texts, tokens, classifier.vocabulary, max_length=chosen.max_length)
        self.modules.eval()
        right = 0
        with torch.no_grad():
            for rows in np.array_split(np.arange(len(texts)), 20):
                ids, lengths, _ = padded(encoded.ids, encoded.ends, rows)
                found = self.logits(torch.from_numpy(ids), torch.from_numpy(lengths)).argmax(dim=1)
                right += sum(names[number] == labels[row] for number, row in zip(found.tolist(), rows, strict=True))
        return right / len(texts)
