"""Recipes: settings under one name."""

from __future__ import annotations

from typing import Any

RECIPES: dict[str, dict[str, Any]] = {
    "min-char-rnn": {
        "cell": "rnn",
        "hidden_size": 100,
        "num_layers": 1,
        "dropout": 0.0,
        "init_scale": 0.01,
        "batch_size": 1,
        "seq_length": 25,
        "optimizer": "adagrad",
        "learning_rate": 0.1,
        "schedule": "constant",
        # Karpathy's loss is the sum over the 25 characters and its gradients are clipped to 5; ours is the mean.
        "clip_value": 5.0 / 25.0,
        "clip_norm": None,
        "smoothing": 0.999,
    },
}
"""Recipes of `portnn.CharRNN` by name. "min-char-rnn": https://gist.github.com/karpathy/d4dee566867f8291f086"""


def recipe(name: str) -> dict[str, Any]:
    """Settings of a recipe, for `portnn.CharRNN` and its `fit`.

    Raises
    ------
    ValueError
        If there is no such recipe.
    """
    if name not in RECIPES:
        raise ValueError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return dict(RECIPES[name])
