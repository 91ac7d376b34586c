"""Sparse X: what comes of it is what comes of the dense table, which is never made as a whole."""

from __future__ import annotations

import copy
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose

import portnn
from portnn.batches import SparseTable
from portnn.checkpoints import CheckpointError
from portnn.tables.scaling import Scaling

QUIET = {"progress": False}


@pytest.fixture
def dense(rng):
    return np.where(rng.random((60, 5)) < 0.4, rng.normal(size=(60, 5)), 0.0)


@pytest.fixture
def y(dense):
    return np.digitize(dense[:, 0] - dense[:, 1], [-0.3, 0.3])


def network(backend, **settings):
    return portnn.MLP((4,), "tanh", seed=2, backend=backend, **settings)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"standardize": True}, {"dropout": 0.3}, {"class_weight": "balanced", "l2": 0.1}],
    ids=["plain", "standardized", "dropout", "weighted"],
)
def test_it_is_as_the_dense_table(backend, dense, y, settings, form):
    sparse = scipy.sparse.csr_array(dense).asformat(form)
    run = {"epochs": 3, "batch_size": 16, "held_out": 0.25, **QUIET}
    weights = np.linspace(0.5, 2.0, 60)
    ours, right = (network(backend, **settings).fit(x, y, weights, **run) for x in (sparse, dense))
    close = {"rtol": 0, "atol": 1e-9}
    for name, array in right.params.items():
        assert_allclose(backend.to_host(ours.params[name]), backend.to_host(array), **close)
    assert ours.metrics[-1]["held_out_loss"] == pytest.approx(right.metrics[-1]["held_out_loss"], abs=1e-9)
    for method in ("outputs", "predict", "predict_proba", "predict_log_proba"):
        result = getattr(ours, method)(sparse)
        assert isinstance(result, np.ndarray)
        assert_allclose(result, getattr(right, method)(dense), **close)
    assert_allclose(ours.hidden(sparse)[0], right.hidden(dense)[0], **close)
    assert ours.evaluate(sparse, y, weights) == pytest.approx(right.evaluate(dense, y, weights), abs=1e-9)
    (loss, gradient), (right_loss, right_gradient) = (
        model.loss_and_gradient(x, y, weights) for model, x in ((ours, sparse), (right, dense))
    )
    assert loss == pytest.approx(right_loss, abs=1e-9)
    assert_allclose(backend.to_host(gradient), backend.to_host(right_gradient), **close)
    more = [model.partial_fit(x, y, batch_size=16) for model, x in ((ours, sparse), (right, dense))]
    assert_allclose(*(backend.to_host(model.pack()) for model in more), **close)


def test_x_decides_the_dtype_as_a_dense_one_does(dense, y):
    for dtype, expected in (("float32", "float32"), ("float64", "float64"), ("int8", "float64"), ("bool", "float64")):
        model = portnn.MLP((4,)).fit(scipy.sparse.csr_array(dense.astype(dtype)), y, steps=1, **QUIET)
        assert (model.backend.name, model.backend.dtype) == ("numpy", expected)


@pytest.mark.host
def test_what_only_the_whole_table_shows_is_the_same(dense, y):
    sparse = scipy.sparse.csr_array(dense)
    line = portnn.LinearRegression()
    assert_allclose(*(copy.deepcopy(line).fit(x, y * 1.0, steps=20, **QUIET).pack() for x in (sparse, dense)))
    with_constant = np.concatenate([dense, np.full((60, 1), 5.0), np.zeros((60, 1)), np.full((60, 1), 0.1)], axis=1)
    table = SparseTable.of(scipy.sparse.csr_array(with_constant), portnn.backend("numpy", dtype="float64"))
    ours, right = Scaling.of_sparse(table), Scaling.of_host(with_constant)
    assert_allclose(ours.mean, right.mean, rtol=1e-13, atol=1e-15)
    assert_allclose(ours.deviation, right.deviation, rtol=1e-13)


def wide(rows, features):
    """Sparse table with a one in each row, and classes that it tells."""
    columns = np.arange(rows) % 7
    return scipy.sparse.csr_array((np.ones(rows), (np.arange(rows), columns)), shape=(rows, features)), columns % 2


def small(**settings):
    x, y = wide(8, 50_000)
    return portnn.MLP((3,), **settings).fit(x, y, steps=1, **QUIET)


@pytest.mark.host
@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: portnn.MLP((3,)).fit(x, y, steps=3, batch_size=8, held_out=0.5, patience=2, **QUIET),
        lambda x, y: portnn.MLP((3,), standardize=True).fit(x, y, steps=3, batch_size=8, **QUIET),
        lambda x, y: portnn.MLP((3,)).partial_fit(x[:100], y[:100], batch_size=8),
        lambda x, y: small().evaluate(x, y),
        lambda x, y: small().predict_proba(x),
        lambda x, y: small().hidden(x),
        lambda x, y: small(l2=0.1).loss_and_gradient(x, y),
    ],
)
def test_no_more_than_some_rows_are_dense_at_a_time(call):
    x, y = wide(1000, 50_000)  # 400 MB if it were dense
    tracemalloc.start()
    try:
        call(x, y)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


@pytest.mark.host
def test_a_table_larger_than_any_memory():
    x, y = wide(1_000_000, 1_000_000)  # 8 TB if it were dense
    model = portnn.MLP((2,)).fit(x, y, steps=4, batch_size=2, learning_rate=0.5, held_out=(x[:9], y[:9]), **QUIET)
    assert model.predict(x[:9]).shape == (9,)


@pytest.mark.host
def test_numbers_that_are_refused(dense, y):
    for number, dtype, what in (
        (np.nan, "float64", "NaN or infinity"),
        (1e300, "float32", "numbers too large for float32"),
    ):
        x = dense.copy()
        x[7, 3] = number
        sparse = scipy.sparse.csr_array(x)
        model = portnn.MLP((4,), backend="numpy", dtype=dtype)
        with pytest.raises(ValueError, match=f"X contains {what}, first at row 7, column 3"):
            model.fit(sparse, y, **QUIET)
        model.fit(dense, y, steps=1, **QUIET)
        with pytest.raises(ValueError, match=f"X contains {what}, first at row 7, column 3"):
            model.predict(sparse)
    with pytest.raises(ValueError, match="X has 4 features, but the model expects 5"):
        model.predict(sparse[:, :4])
    with pytest.raises(ValueError, match=r"X has shape \(0, 5\): it has no rows"):
        model.fit(sparse[:0], y[:0], **QUIET)
    with pytest.raises(ValueError, match="y has 59 rows, but X has 60"):
        model.fit(scipy.sparse.csr_array(dense), y[:-1], **QUIET)
    with pytest.raises(ValueError, match=r"X has shape \(3,\), expected two axes"):
        model.predict(scipy.sparse.coo_array(np.ones(3)))


@pytest.mark.host
def test_a_run_goes_on_with_the_same_table_alone(tmp_path, dense, y):
    sparse = scipy.sparse.csr_array(dense)
    run = {"batch_size": 16, "out": tmp_path, "resume": True, **QUIET}
    whole = network("numpy").fit(sparse, y, steps=12, batch_size=16, **QUIET)
    network("numpy").fit(sparse, y, steps=5, **run)
    entries = sparse.tocoo()
    zero = (np.append(entries.data, 0.0), (np.append(entries.row, 0), np.append(entries.col, 0)))
    untidy = scipy.sparse.coo_array(zero, shape=(60, 5))
    parts = network("numpy").fit(untidy, y, steps=12, **run)
    assert np.array_equal(parts.pack(), whole.pack())
    with pytest.raises(CheckpointError, match="is not the table trained on"):
        network("numpy").fit(-sparse, y, steps=14, **run)
