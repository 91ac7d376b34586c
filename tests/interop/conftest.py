"""A table, and one step of training on it, for networks of any library."""

from __future__ import annotations

import pytest

ROWS = 20


@pytest.fixture
def table(rng):
    X = rng.normal(size=(ROWS, 4))
    return X, X[:, 0] - X[:, 1] * X[:, 2]


@pytest.fixture
def one_step():
    """Take one step of plain gradient descent on all rows; the parameters, on the host."""

    def train(model, X, y, learning_rate):
        settings = {"batch_size": ROWS, "shuffle": False, "optimizer": "sgd", "progress": False}
        model.fit(X, y, steps=1, learning_rate=learning_rate, **settings)
        return [model.backend.to_host(model.params[name]) for name in model.model.shapes()]

    return train
