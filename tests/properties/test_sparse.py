"""Sparse tables of any form hold what their dense counterparts hold, and train as they do."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import portnn
from portnn.batches import SparseTable, blocks
from portnn.sklearn import MLPRegressor, SoftmaxClassifier
from portnn.tables.scaling import Scaling

pytestmark = pytest.mark.host

HOST = portnn.backend("numpy", dtype="float64")
FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dok"]
DTYPES = ["float32", "float64", "int8", "uint8", "int64", "bool"]


@st.composite
def untidy(draw, dtypes=DTYPES, least=1):
    """Matrix with entries in any order, some given twice, some zero, with indices of either width."""
    shape = draw(st.tuples(st.integers(least, 9), st.integers(1, 5)))
    places = draw(st.lists(st.tuples(*(st.integers(0, size - 1) for size in shape)), max_size=20))
    numbers = draw(st.lists(st.integers(-20, 20), min_size=len(places), max_size=len(places)))
    dtype, kind = (
        draw(st.sampled_from(dtypes)),
        draw(st.sampled_from([scipy.sparse.coo_array, scipy.sparse.coo_matrix])),
    )
    rows, columns = np.asarray(places, dtype=np.int64).reshape(-1, 2).T
    x = kind((np.asarray(numbers).astype(dtype), (rows, columns)), shape=shape)
    form = draw(st.sampled_from([*FORMATS, "as it comes"]))
    if form != "as it comes":
        return x.asformat(form)
    # Compressed rows, but nothing else is in order.
    by_row = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[by_row], np.arange(shape[0] + 1))
    wide = draw(st.sampled_from([np.int32, np.int64]))
    made = scipy.sparse.csr_array if kind is scipy.sparse.coo_array else scipy.sparse.csr_matrix
    return made((x.data[by_row], columns[by_row].astype(wide), starts.astype(wide)), shape=shape)


@given(x=untidy(), data=st.data())
def test_rows_are_those_of_the_dense_table(x, data):
    dense, before = x.toarray(), x.copy()
    table = SparseTable.of(x, HOST)
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(dense))] * 2)))
    assert np.array_equal(table[start:stop, ...], dense[start:stop].astype(np.float64))
    ids = np.asarray(data.draw(st.lists(st.integers(0, len(dense) - 1), max_size=5)), dtype=np.int64)
    assert np.array_equal(table.take(ids)[:, ...], dense[ids].astype(np.float64))
    assert np.array_equal(np.concatenate([table[a:b, ...] for a, b in blocks(table, 2)]), dense.astype(np.float64))
    assert np.array_equal(x.toarray(), before.toarray())
    same = SparseTable.of(scipy.sparse.csr_array(dense), HOST)
    assert [part.tobytes() for part in table.entries()] == [part.tobytes() for part in same.entries()]


@given(x=untidy())
def test_scaling_is_that_of_the_dense_table(x):
    ours, right = Scaling.of_sparse(SparseTable.of(x, HOST)), Scaling.of_host(x.toarray().astype(np.float64))
    np.testing.assert_allclose(ours.mean, right.mean, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(ours.deviation, right.deviation, rtol=1e-12)


@settings(max_examples=40)
@given(x=untidy(dtypes=["float64", "int8", "bool"], least=2), batch_size=st.integers(1, 9), seed=st.integers(0, 9))
def test_training_is_that_of_the_dense_table(x, batch_size, seed):
    dense = x.toarray()
    y = np.arange(x.shape[0]) % 2
    run = {"batch_size": batch_size, "steps": 5, "progress": False}
    for options in ({}, {"standardize": True}):
        ours, right = (portnn.MLP((3,), "tanh", seed=seed, **options).fit(X, y, **run) for X in (x, dense))
        np.testing.assert_allclose(ours.pack(), right.pack(), rtol=0, atol=1e-10)
        np.testing.assert_allclose(ours.predict_proba(x), right.predict_proba(dense), rtol=0, atol=1e-10)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@settings(max_examples=40)
@given(x=untidy(dtypes=["float64", "int8", "bool"], least=2), seed=st.integers(0, 9))
def test_estimators_of_scikit_learn_alike(x, seed):
    dense = x.toarray()
    y = np.arange(x.shape[0]) % 2
    for model in (
        SoftmaxClassifier(solver="sgd", max_iter=3, random_state=seed),
        MLPRegressor((3,), loss="poisson", max_iter=3, random_state=seed),
    ):
        expected = model.fit(dense, y).predict(dense)
        np.testing.assert_allclose(model.fit(x, y).predict(x), expected, rtol=1e-9)


@given(
    z=st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=6),
    counts=st.lists(st.floats(0.0, 1e6), min_size=6, max_size=6),
)
def test_poisson_loss_is_never_negative_and_falls_towards_the_counts(z, counts):
    z, t = np.asarray(z)[:, None], np.asarray(counts[: len(z)])[:, None]
    loss, cache = portnn.ops.poisson(z, t)
    scale = np.mean(np.exp(z) + t * (1.0 + np.abs(z)) + t * np.abs(np.log(np.maximum(t, 1e-300))))
    assert loss >= -1e-14 * scale
    gradient = portnn.ops.poisson_backward(1.0, cache)
    assert np.all(np.sign(gradient) == np.sign(np.exp(z) - t))
