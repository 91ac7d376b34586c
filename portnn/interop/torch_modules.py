"""Modules of a recurrent text classifier in PyTorch, and which of their tensors is which of portnn's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from portnn.models import SequenceClassifier
from portnn.models.sequence_classifier import TABLE

TORCH_CELLS = {"RNN": "rnn", "GRU": "gru", "LSTM": "lstm"}
"""portnn's cells by PyTorch's names."""

KNOWN = ("Embedding", *TORCH_CELLS, "Linear", "Dropout")

ONLY = {"max_norm": None, "proj_size": 0, "nonlinearity": "tanh"}
"""Attributes that change what a module computes, and the one value that portnn has."""


class TextModules(NamedTuple):
    """Modules of a text classifier; `embedding` is None for one-hot input."""

    embedding: Any
    recurrent: Any
    output: Any

    @classmethod
    def of(cls, network: Any) -> TextModules:
        """Modules that a network holds, recognized by their names.

        Raises
        ------
        TypeError
            If it is neither a module nor a sequence of modules.
        ValueError
            If a module is missing, there twice or unknown, computes what portnn does not, or sizes do not fit.
        """
        try:
            modules = list(network.children() if hasattr(network, "children") else network)
        except TypeError as error:
            name = type(network).__name__
            raise TypeError(f"network is {name}, expected a torch.nn.Module or a sequence of modules") from error
        for position, module in enumerate(modules):
            if type(module).__name__ not in KNOWN:
                raise ValueError(f"module {position} is {type(module).__name__}; known: {', '.join(KNOWN)}")
            for name, value in ONLY.items():
                if getattr(module, name, value) != value:
                    raise ValueError(f"module {position} has {name} {getattr(module, name)}; portnn has only {value}")
        embeddings, recurrents, outputs = (
            [module for module in modules if type(module).__name__ in names]
            for names in (("Embedding",), TORCH_CELLS, ("Linear",))
        )
        if len(embeddings) > 1 or len(recurrents) != 1 or len(outputs) != 1:
            held = ", ".join(type(module).__name__ for module in modules) or "none"
            raise ValueError(f"expected one RNN, GRU or LSTM, one Linear and at most one Embedding, got {held}")
        found = cls(embeddings[0] if embeddings else None, recurrents[0], outputs[0])
        found._check()
        return found

    def _check(self) -> None:
        embedding, recurrent, output = self
        cell, states = type(recurrent).__name__, recurrent.hidden_size * (1 + recurrent.bidirectional)
        if embedding is not None and embedding.embedding_dim != recurrent.input_size:
            raise ValueError(
                f"the Embedding has {embedding.embedding_dim} entries, but the {cell} reads {recurrent.input_size}"
            )
        if output.in_features != states:
            raise ValueError(f"the Linear reads {output.in_features} features, but the {cell} has {states}")

    @property
    def rows(self) -> int:
        """Number of ids."""
        return int(self.recurrent.input_size if self.embedding is None else self.embedding.num_embeddings)

    def tensors(self, model: SequenceClassifier) -> Iterator[tuple[str, str, Any]]:
        """Names in portnn and in PyTorch, and tensor, of each parameter; None for a bias that is not there.

        Matrices are transposed there, except for the embedding.
        """
        if self.embedding is not None:
            yield TABLE, TABLE, self.embedding.weight
        for layer, directions in enumerate(model.stack.weight_names):
            for suffix, names in zip(("", "_reverse"), directions, strict=False):
                for field, name in names._asdict().items():
                    theirs = f"{field}_l{layer}{suffix}"
                    yield name, f"recurrent.{theirs}", getattr(self.recurrent, theirs, None)
        yield "output.weight", "output.weight", self.output.weight
        yield "output.bias", "output.bias", self.output.bias


def reads_ids(model: SequenceClassifier) -> set[str]:
    """Names of the parameters that have a row for each id."""
    return {TABLE} if model.embedding_size else {names.weight_ih for names in model.stack.weight_names[0]}
