"""A `TextClassifier` with the weights of PyTorch's modules, and back, without importing PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from portnn.backends import Backend, tree_map
from portnn.estimators import TextClassifier
from portnn.estimators.text_labels import TextLabels
from portnn.interop.assembling import Host, backend_for, host
from portnn.interop.torch_modules import TORCH_CELLS, TextModules, reads_ids
from portnn.models import SequenceClassifier
from portnn.models.sequence_classifier import TABLE
from portnn.settings import brief
from portnn.tables import Targets
from portnn.text import WordVocabulary


def text_classifier_from_torch(
    network: Any,
    words: Sequence[str],
    *,
    unknown: str | None = None,
    classes: Any = None,
    backend: str | Backend = "numpy",
    device: Any = None,
    dtype: str | None = None,
    **settings: Any,
) -> TextClassifier:
    """Take the weights of a recurrent text classifier of PyTorch.

    Parameters
    ----------
    network : torch.nn.Module or sequence of modules
        Its children are an RNN, GRU or LSTM with any number of layers, in one direction or two, a Linear that follows
        it, and an Embedding before it; without one the recurrent layer reads one-hot vectors. Dropout is passed over.
        With the default pooling the Linear reads ``h_n[-1]``, of two directions ``cat((h_n[-2], h_n[-1]), dim=1)``.
    words : sequence of str
        Word of each row of the embedding, which may have one more row: that of the unknown word. The row of a
        `padding_idx` is a word like any other: as no text has it, it is neither read nor trained.
    unknown : str, optional
        Which of the words stands for unknown ones, if not a last row of its own. With neither, the vector of the
        unknown word is zero.
    classes : array (outputs,), optional
        Class labels in ascending order; by default 0, 1 and so on. A Linear with one output is taken for the logit of
        the second of two classes, unless `multi_label` is set.
    backend : str or Backend
    device : str, optional
    dtype : {"float32", "float64"}, optional
        By default that of the weights.
    **settings
        Other settings of `TextClassifier`, such as `pooling`, `level` and `lowercase`, and for further training
        `dropout`.

    Returns
    -------
    TextClassifier

    Raises
    ------
    TypeError
        If the network is not made of modules, or a word is not a str.
    ValueError
        If a module is missing or unknown or computes what portnn does not, or sizes do not fit.

    Examples
    --------
    >>> import portnn
    >>> from torch import nn  # doctest: +SKIP
    >>> network = nn.Sequential(nn.Embedding(4, 8), nn.LSTM(8, 16), nn.Linear(16, 2))  # doctest: +SKIP
    >>> model = portnn.text_classifier_from_torch(network, ["good", "bad", "not"])  # doctest: +SKIP
    """
    modules = TextModules.of(network)
    vocabulary, rows = _vocabulary(words, unknown, modules.rows)
    recurrent, outputs = modules.recurrent, modules.output.out_features
    classifier = TextClassifier(
        TORCH_CELLS[type(recurrent).__name__],
        recurrent.hidden_size,
        None if modules.embedding is None else recurrent.input_size,
        recurrent.num_layers,
        recurrent.bidirectional,
        backend=backend_for(host(modules.output.weight), backend, device, dtype),
        **settings,
    )
    chosen = classifier.settings
    labels = _labels(classes, outputs if chosen.multi_label else max(2, outputs), several=chosen.multi_label)
    model = SequenceClassifier(
        len(vocabulary) + 1,
        len(labels.names),
        chosen.cell,
        chosen.hidden_size,
        chosen.num_layers,
        chosen.bidirectional,
        chosen.embedding_size,
        chosen.pooling,
        chosen.dropout,
        labels.objective,
        chosen.frozen_embedding,
    )
    params, by_id, shapes = {}, reads_ids(model), model.shapes()
    for name, _, tensor in modules.tensors(model):
        if tensor is None:
            params[name] = np.zeros(shapes[name])
            continue
        array = host(tensor) if name == TABLE else host(tensor).T
        if name in by_id:
            array = np.concatenate((array, np.zeros_like(array[:1])))[rows]
        if array.shape != shapes[name]:  # one logit is that of the second class, beside 0
            array = np.stack((np.zeros_like(array[..., 0]), array[..., 0]), axis=-1)
        params[name] = array.copy(order="C")
    classifier.vocabulary, classifier.labels, classifier.model = vocabulary, labels, model
    assert classifier.backend is not None
    classifier.params = tree_map(classifier.backend.asarray, params)
    return classifier


def text_classifier_to_torch(model: TextClassifier, network: Any, words: Sequence[str] | None = None) -> None:
    """Write the weights of a `TextClassifier` into a network of PyTorch, in place.

    Parameters
    ----------
    model : TextClassifier
    network : torch.nn.Module or sequence of modules
        As for `text_classifier_from_torch`, of the same sizes; it keeps its dtype and device. The row of its
        `padding_idx` stays as it is.
    words : sequence of str, optional
        Word of each row of the network's embedding; by default those of the model, in its order. Rows of words that
        the model does not know, and one more row, if there is one, get the vector of the unknown word.

    Raises
    ------
    TypeError
        If the network is not made of modules.
    ValueError
        If a module is missing or unknown or computes what portnn does not, or sizes do not fit. The network is then
        unchanged.

    Examples
    --------
    >>> import portnn
    >>> from torch import nn  # doctest: +SKIP
    >>> model = portnn.load("sentiment/best.safetensors")  # doctest: +SKIP
    >>> entries = len(model.vocabulary) + 1  # doctest: +SKIP
    >>> network = nn.Sequential(nn.Embedding(entries, 64), nn.LSTM(64, 64), nn.Linear(64, 2))  # doctest: +SKIP
    >>> portnn.text_classifier_to_torch(model, network)  # doctest: +SKIP
    """
    modules = TextModules.of(network)
    kind, params, backend = model._fitted()
    assert model.vocabulary is not None
    index, last = model.vocabulary.index, len(model.vocabulary)
    named = list(model.vocabulary.words if words is None else words)
    _check_rows(modules.rows, len(named))
    rows = [index.get(word, last) for word in named] + [last] * (modules.rows - len(named))
    _check_kind(modules, kind)
    by_id, written = reads_ids(kind), []
    for name, theirs, tensor in modules.tensors(kind):
        array = np.asarray(backend.to_host(params[name]))
        if tensor is None:
            if array.any():
                raise ValueError(f"the network has no {theirs}, but the model's is not 0")
            continue
        array = array[rows] if name in by_id else array
        array = array if name == TABLE else array.T
        if name.startswith("output.") and len(tensor) == 1 and len(array) == 2:
            array = array[1:] - array[:1]  # the softmax of two logits is the sigmoid of their difference
        if tuple(tensor.shape) != array.shape:
            raise ValueError(f"{theirs} has shape {tuple(tensor.shape)}, but the model's is {array.shape}")
        written.append((theirs, tensor.detach(), np.ascontiguousarray(array)))
    for theirs, tensor, array in written:
        kept = getattr(modules.embedding, "padding_idx", None) if theirs == TABLE else None
        padding = None if kept is None else tensor[kept].clone()
        tensor.copy_(tensor.new_tensor(array))
        if padding is not None:
            tensor[kept] = padding


def _vocabulary(words: Sequence[str], unknown: str | None, rows: int) -> tuple[WordVocabulary, Host]:
    """Vocabulary, and the network's row of each of its ids, the unknown word's last.

    A zero vector is thought to follow the network's rows.
    """
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"each of the words must be a str, got {type(word).__name__} {brief(word)}")
    if unknown is not None and unknown not in words:
        raise ValueError(f"unknown is {brief(unknown)}, which is none of the words")
    if unknown is not None and rows != len(words):
        raise ValueError(f"the network has {rows} rows for {len(words)} words, among them the one for unknown words")
    _check_rows(rows, len(words))
    known = [row for row, word in enumerate(words) if word != unknown]
    last = len(words) if unknown is None else list(words).index(unknown)
    vocabulary = WordVocabulary(tuple(words[row] for row in known), np.zeros(len(known), np.int64))
    return vocabulary, np.asarray([*known, last])


def _check_rows(rows: int, words: int) -> None:
    if rows - words not in (0, 1):
        raise ValueError(f"the network has {rows} rows for {words} words; expected {words}, or one more")


def _check_kind(modules: TextModules, model: SequenceClassifier) -> None:
    recurrent = modules.recurrent
    for what, theirs, ours in (
        ("cell", TORCH_CELLS[type(recurrent).__name__], model.cell),
        ("hidden_size", recurrent.hidden_size, model.hidden_size),
        ("num_layers", recurrent.num_layers, model.num_layers),
        ("bidirectional", bool(recurrent.bidirectional), model.bidirectional),
        ("embedding_size", None if modules.embedding is None else recurrent.input_size, model.embedding_size),
    ):
        if theirs != ours:
            raise ValueError(f"the network has {what} {theirs}, but the model has {ours}")


def _labels(classes: Any, outputs: int, *, several: bool) -> TextLabels:
    """Labels of the outputs."""
    given = np.arange(outputs) if classes is None else classes
    known = Targets.of_network("cross_entropy", outputs, given).classes
    assert known is not None
    return TextLabels(known, several, as_matrix=several and classes is None)
