import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.ops import embedding, embedding_backward


def test_rows_are_gathered(backend, place, rng):
    table, ids = rng.normal(size=(6, 3)), np.asarray([[5, 0, 5], [2, 2, 1]])
    y, _ = embedding(place(ids), place(table))
    assert np.array_equal(backend.to_host(y), table[ids])


@pytest.mark.parametrize("shape", [(), (4,), (2, 3, 2), (0, 3)], ids=str)
def test_ids_may_have_any_shape(run, rng, shape):
    table, ids = rng.normal(size=(6, 3)), np.asarray(rng.integers(0, 6, shape))
    (y,), dtable = run("embedding", (ids, table), [table[ids]])
    expected = np.zeros_like(table)
    np.add.at(expected, ids, table[ids])
    assert np.array_equal(y, table[ids])
    assert_allclose(dtable, expected, rtol=1e-13)


def test_the_same_as_one_hot_vectors_times_the_table(run, rng):
    table, ids, dy = rng.normal(size=(6, 3)), rng.integers(0, 6, (4, 5)), rng.normal(size=(4, 5, 3))
    one_hot = np.eye(6)[ids]
    (y,), dtable = run("embedding", (ids, table), [dy])
    assert_allclose(y, one_hot @ table, rtol=1e-13)
    assert_allclose(dtable, np.einsum("tbn,tbm->nm", one_hot, dy), rtol=1e-12, atol=1e-14)


def test_gradient_agrees_with_central_differences(check_case):
    check_case("embedding")


def test_gradient_leaves_the_table_and_rows_of_other_ids_alone(backend, place, rng):
    table = rng.normal(size=(5, 2))
    placed = place(table)
    y, cache = embedding(place([3, 3]), placed)
    dtable = backend.to_host(embedding_backward(y, cache))
    assert np.flatnonzero(dtable.any(axis=1)).tolist() == [3]
    assert np.array_equal(backend.to_host(placed), table)


def test_float32_stays_float32(run, rng, backend32):
    table = rng.normal(size=(6, 3))
    (y,), dtable = run("embedding", (np.asarray([1, 0]), table), [table[:2]], on=backend32)
    assert y.dtype == dtable.dtype == np.float32


def test_ids_that_are_no_integers_are_refused(place):
    with pytest.raises(TypeError, match=r"^embedding: ids have dtype \S*float64, expected an integer dtype$"):
        embedding(place([0.0, 1.0]), place(np.ones((2, 3))))


@pytest.mark.parametrize("shape", [(4,), (4, 2, 2)], ids=str)
def test_a_table_that_is_no_matrix_is_refused(place, shape):
    message = f"embedding: table has shape {shape}, expected 2 dimensions"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        embedding(place([0, 1]), place(np.ones(shape)))


@pytest.mark.torch_oracle
def test_gradient_equals_torch(run, rng):
    import torch

    table, ids, dy = rng.normal(size=(6, 3)), rng.integers(0, 6, (4, 5)), rng.normal(size=(4, 5, 3))
    theirs = torch.tensor(table, requires_grad=True)
    torch.nn.functional.embedding(torch.tensor(ids), theirs).backward(torch.tensor(dy))
    _, dtable = run("embedding", (ids, table), [dy])
    assert_allclose(dtable, theirs.grad.numpy(), rtol=1e-12, atol=1e-14)
