"""Text classifiers of PyTorch, computed as PyTorch's own users would."""

from __future__ import annotations

import numpy as np

WORDS = ["good", "bad", "not", "very", "film"]
ROWS = len(WORDS) + 1
TEXTS = ["not bad", "very very good film", "bad", "good film not bad not bad", "what a film", "film"]


def modules(torch, kind="LSTM", *, layers=1, both=False, embedded=True, outputs=3, rows=ROWS, **options):
    """Embedding or None, recurrent layer and Linear, float64."""
    entries = 4 if embedded else rows
    recurrent = getattr(torch.nn, kind)(entries, 7, num_layers=layers, bidirectional=both, **options)
    output = torch.nn.Linear(14 if both else 7, outputs)
    network = [*([torch.nn.Embedding(rows, entries)] if embedded else []), recurrent, output]
    return torch.nn.Sequential(*network).double()


def padded_ids(torch, texts=TEXTS, words=WORDS, unknown=None):
    """Ids (batch, time) with padding 0, and lengths."""
    ids = [
        torch.tensor([words.index(word) if word in words else unknown or len(words) for word in text.split()])
        for text in texts
    ]
    return torch.nn.utils.rnn.pad_sequence(ids, batch_first=True), torch.tensor([len(each) for each in ids])


def logits(torch, network, ids, lengths, pooling="last"):
    """Logits (batch, outputs) of padded ids."""
    *embedding, recurrent, output = network
    x = embedding[0](ids) if embedding else torch.nn.functional.one_hot(ids, recurrent.input_size).double()
    nn = torch.nn.utils.rnn
    packed = nn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    ys, final = recurrent(packed)
    if pooling == "last":
        h_n = final[0] if isinstance(final, tuple) else final
        return output(torch.cat((h_n[-2], h_n[-1]), dim=1) if recurrent.bidirectional else h_n[-1])
    y, _ = nn.pad_packed_sequence(ys, batch_first=True)
    valid = (torch.arange(y.shape[1]) < lengths[:, None])[:, :, None]
    if pooling == "mean":
        return output((y * valid).sum(dim=1) / lengths[:, None])
    return output(y.masked_fill(~valid, -np.inf).max(dim=1).values)
