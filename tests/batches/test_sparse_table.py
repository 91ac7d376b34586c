"""A sparse table: the same rows as the dense one, a few at a time."""

import numpy as np
import pytest
import scipy.sparse

from portnn.backends import tree_map
from portnn.batches import RowBatches, SparseTable, blocks, is_sparse, rows_at
from portnn.models import RowBatch

FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]


@pytest.fixture
def dense(rng):
    return np.where(rng.random((10, 4)) < 0.4, rng.normal(size=(10, 4)), 0.0)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix], ids=["array", "matrix"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_the_rows_of_the_dense_table(backend, dense, form, kind):
    given = kind(dense).asformat(form)
    table = SparseTable.of(given, backend)
    assert is_sparse(given)
    assert table.shape == (10, 4)
    rows = table[2:7, ...]
    assert type(rows) is type(backend.asarray(dense))
    assert np.array_equal(backend.to_host(rows), dense[2:7])
    assert np.array_equal(backend.to_host(table.take(np.asarray([7, 0, 7]))[:, ...]), dense[[7, 0, 7]])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int64", "uint16", "bool"])
def test_numbers_of_every_dtype_take_that_of_the_backend(backend, backend32, dense, dtype):
    given = scipy.sparse.csr_array((np.abs(dense) * 10).astype(dtype))
    for place in (backend, backend32):
        rows = SparseTable.of(given, place)[:, ...]
        assert np.array_equal(place.to_host(rows), given.toarray().astype(place.dtype))
        assert place.to_host(rows).dtype == place.dtype


@pytest.mark.host
def test_untidy_entries_are_put_in_order_in_a_copy(backend):
    def untidy():
        data, columns = np.asarray([3.0, 1.0, 2.0, 0.0, 5.0]), np.asarray([2, 0, 2, 1, 1], dtype=np.int64)
        return scipy.sparse.csr_array((data, columns, np.asarray([0, 4, 4, 5], dtype=np.int64)), shape=(3, 3))

    given, dense = untidy(), [[1.0, 0.0, 5.0], [0.0, 0.0, 0.0], [0.0, 5.0, 0.0]]
    table = SparseTable.of(given, backend)
    assert table[:, ...].tolist() == dense
    assert given.data.tolist() == untidy().data.tolist()
    assert given.indices.tolist() == untidy().indices.tolist()
    tidy = SparseTable.of(scipy.sparse.csr_array(np.asarray(dense)), backend)
    for one, other in zip(table.entries(), tidy.entries(), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.host
def test_tidy_rows_are_not_copied(backend, dense):
    given = scipy.sparse.csr_array(dense)
    assert np.shares_memory(SparseTable.of(given, backend).rows.data, given.data)


@pytest.mark.host
def test_blocks_are_bounded_by_their_entries(backend):
    wide = SparseTable.of(scipy.sparse.csr_array((10, 1 << 20)), backend)
    assert list(blocks(wide, 8192)) == [(0, 4), (4, 8), (8, 10)]
    widest = SparseTable.of(scipy.sparse.csr_array((2, 1 << 30)), backend)
    assert list(blocks(widest, 8192)) == [(0, 1), (1, 2)]
    narrow = SparseTable.of(scipy.sparse.csr_array((10, 4)), backend)
    assert list(blocks(narrow, 8)) == list(blocks(np.zeros((10, 4)), 8)) == [(0, 8), (8, 10)]


@pytest.mark.parametrize("settings", [{"batch_size": 3}, {"batch_size": 4, "shuffle": False}, {}])
def test_batches_are_those_of_the_dense_table(backend, dense, settings):
    rest = tree_map(backend.asarray, RowBatch(None, np.arange(10), np.arange(10) * 0.5))
    sources = [
        RowBatches(rest._replace(x=x), backend, seed=3, **settings)
        for x in (SparseTable.of(scipy.sparse.csr_array(dense), backend), backend.asarray(dense))
    ]
    for position in range(2 * sources[0].batches):
        ours, right = (tree_map(backend.to_host, source.at(position).data) for source in sources)
        for name in ("x", "targets", "weights"):
            assert np.array_equal(getattr(ours, name), getattr(right, name))


def test_rows_that_are_taken_stay_sparse(backend, dense):
    rows = RowBatch(SparseTable.of(scipy.sparse.csr_array(dense), backend), backend.asarray(np.arange(10)))
    taken = rows_at(rows, np.asarray([4, 1]), backend)
    assert isinstance(taken.x, SparseTable)
    assert np.array_equal(backend.to_host(taken.x[:, ...]), dense[[4, 1]])
    assert backend.to_host(taken.targets).tolist() == [4, 1]


@pytest.mark.host
def test_what_is_sparse_and_cannot_be_used():
    class Other:
        shape, data = (3, 2), "elsewhere"

        def tocsr(self):
            return self

    with pytest.raises(TypeError, match=r"X is sparse \(Other\), but not of SciPy; X.toarray\(\) makes it dense"):
        SparseTable.of(Other(), None)
    with pytest.raises(TypeError, match="X has dtype complex128, expected real numbers"):
        SparseTable.of(scipy.sparse.csr_array(np.eye(2) * 1j), None)
    assert not is_sparse(np.eye(2))
