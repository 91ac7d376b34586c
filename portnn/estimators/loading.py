"""`load`: a model from a checkpoint, whatever it was trained on."""

from __future__ import annotations

import os
from typing import Any

from portnn.backends import Backend
from portnn.backends import backend as choose_backend
from portnn.checkpoints import CheckpointError, load_checkpoint
from portnn.estimators.char_rnn import CharRNN
from portnn.estimators.linear_models import LinearRegression, LogisticRegression, SoftmaxRegression
from portnn.estimators.mlp import MLP
from portnn.estimators.word2vec import Word2Vec

Estimator = CharRNN | MLP | Word2Vec

ESTIMATORS: dict[str, type[Estimator]] = {
    kind.__name__: kind for kind in (CharRNN, MLP, LinearRegression, LogisticRegression, SoftmaxRegression, Word2Vec)
}


def load(
    path: str | os.PathLike[str],
    *,
    backend: str | Backend = "numpy",
    device: Any = None,
    dtype: str | None = None,
) -> Any:
    """Load a model that `save` or a training run has written.

    Parameters
    ----------
    path : path-like
    backend : str or Backend
        Where its parameters go. The file knows no device: what a GPU wrote loads where only NumPy is.
    device : str, optional
    dtype : {"float32", "float64"}, optional
        Without it, the dtype it was trained in.

    Returns
    -------
    CharRNN, MLP, LinearRegression, LogisticRegression, SoftmaxRegression or Word2Vec
        What it was.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    CheckpointError
        If it is no checkpoint, damaged, or of another version.
    """
    arrays, facts = load_checkpoint(path)
    kind = ESTIMATORS.get(facts.get("estimator", ""))
    if kind is None:
        known = ", ".join(ESTIMATORS)
        raise CheckpointError(f"{path} holds {facts.get('estimator', 'no model')}; this portnn loads {known}")
    if not isinstance(backend, Backend):
        backend = choose_backend(backend, device=device, dtype=dtype or facts["dtype"])
    return kind.from_checkpoint(arrays, facts, backend)
