import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import one_hot, scatter_add
from portnn.backends.libraries.cupy import CuPy
from portnn.backends.libraries.numpy import ONE_HOT_ROWS, _sparse_kernel
from portnn.backends.libraries.primitives import Primitives


@pytest.fixture(scope="module")
def by_one_hot(backend):
    """Generic body of `scatter_add`."""
    return lambda *arrays, xp: Primitives.scatter_add(backend.library, *arrays, None, False, xp=xp)


@pytest.fixture(scope="module")
def added(backend, by_one_hot):
    """`scatter_add` and its generic body on host arrays, compiled once."""
    functions = [backend.compile(lambda *arrays, f=f: f(*arrays, xp=backend.xp)) for f in (scatter_add, by_one_hot)]
    return lambda *host: [backend.to_host(f(*map(backend.asarray, host))) for f in functions]


def expected(target, ids, rows):
    result = target.copy()
    np.add.at(result, ids, rows)
    return result


# The last two sizes lie on both sides of where NumPy and CuPy change over from products to another way.
@pytest.mark.parametrize("size", [1, 7, ONE_HOT_ROWS, ONE_HOT_ROWS + 1])
def test_repeated_ids_accumulate_whatever_the_size_of_the_table(added, rng, size):
    target, ids, rows = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    for result in added(target, ids, rows):
        assert_allclose(result, expected(target, ids, rows), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_no_ids_change_nothing(added, rng, size):
    target = rng.normal(size=(size, 3))
    for result in added(target, np.zeros(0, dtype=int), np.zeros((0, 3))):
        assert np.array_equal(result, target)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_the_same_id_every_time(added, rng, size):
    target, rows = rng.normal(size=(size, 3)), rng.normal(size=(40, 3))
    for last in (0, size - 1):
        ids = np.full(40, last)
        for result in added(target, ids, rows):
            assert_allclose(result, expected(target, ids, rows), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_arguments_are_not_written_into(backend, place, rng, size):
    host = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    placed = [place(array) for array in host]
    scatter_add(*placed, xp=backend.xp)
    for array, before in zip(placed, host, strict=True):
        assert np.array_equal(backend.to_host(array), before)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_float32_stays_float32(backend32, size):
    arrays = map(backend32.asarray, (np.zeros((size, 2)), [1, 1], np.ones((2, 2))))
    result = backend32.to_host(scatter_add(*arrays, xp=backend32.xp))
    assert result.dtype == np.float32
    assert result.sum() == result[1].sum() == 4.0


@pytest.mark.parametrize("elements", [1, 21, 100])
def test_the_generic_body_goes_block_by_block(backend, by_one_hot, place, rng, monkeypatch, elements):
    """However few rows a block holds, ids that do not fill the last one included."""
    monkeypatch.setattr("portnn.backends.libraries.primitives.ONE_HOT_ELEMENTS", elements)
    target, ids, rows = rng.normal(size=(7, 3)), rng.integers(0, 7, 10), rng.normal(size=(10, 3))
    result = by_one_hot(place(target), place(ids), place(rows), xp=backend.xp)
    assert_allclose(backend.to_host(result), expected(target, ids, rows), rtol=1e-12, atol=1e-13)


def test_one_hot_rows_are_rows_of_the_identity(backend, backend32, place):
    for chosen in (backend, backend32):
        rows = one_hot(place([[0, 2], [1, 1]]), 3, getattr(chosen.xp, chosen.dtype), xp=chosen.xp)
        assert chosen.to_host(rows).dtype == chosen.dtype
        assert np.array_equal(chosen.to_host(rows), np.eye(3)[[[0, 2], [1, 1]]])


@pytest.mark.host
def test_scipy_still_has_the_kernel_that_adds_rows():
    """It is not public. Without it all results stay the same, ten to twenty times slower; nobody would notice."""
    import scipy  # part of every environment that runs these tests, so that nothing is left out in silence

    assert _sparse_kernel() is not None, (
        f"SciPy {scipy.__version__} has no scipy.sparse._sparsetools.csc_matvecs any more: find where it went, for "
        "_sparse_kernel in portnn/backends/libraries/numpy.py"
    )


@pytest.fixture(params=["as installed", pytest.param("without SciPy", marks=pytest.mark.host)])
def kernel(request, monkeypatch):
    """The sparse kernel, where SciPy has it, and then none."""
    if request.param == "without SciPy":
        monkeypatch.setattr("portnn.backends.libraries.numpy._sparse_kernel", lambda: None)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("scale", [None, -0.25])
def test_rows_may_be_scaled_and_the_table_donated(backend, backend32, kernel, rng, size, donate, scale):
    host = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    right = expected(host[0], host[1], (1.0 if scale is None else scale) * host[2])
    for chosen, tolerance in ((backend, 1e-12), (backend32, 1e-5)):
        target, ids, rows = (chosen.asarray(array.copy()) for array in host)
        factor = None if scale is None else chosen.asarray(np.float64(scale))
        result = scatter_add(target, ids, rows, scale=factor, donate=donate, xp=chosen.xp)
        assert chosen.to_host(result).dtype == chosen.dtype
        assert_allclose(chosen.to_host(result), right, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_a_donated_table_is_itself_the_result_where_it_can_be_written_to(backend, kernel, rng, size):
    target = backend.asarray(rng.normal(size=(size, 3)))
    ids, rows = backend.asarray(rng.integers(0, size, 40)), backend.asarray(rng.normal(size=(40, 3)))
    assert (scatter_add(target, ids, rows, donate=True, xp=backend.xp) is target) == backend.library.writes_donated
    before = np.array(backend.to_host(target))
    assert scatter_add(target, ids, rows, xp=backend.xp) is not target
    assert np.array_equal(backend.to_host(target), before)


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_a_table_that_is_not_donated_may_be_read_only(backend, place, kernel, rng, size):
    host = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    target, ids, rows = map(place, host)
    result = scatter_add(target, ids, rows, scale=backend.asarray(np.float64(2.0)), xp=backend.xp)
    assert_allclose(backend.to_host(result), expected(host[0], host[1], 2.0 * host[2]), rtol=1e-12, atol=1e-13)
    assert [np.array_equal(backend.to_host(a), b) for a, b in zip((target, ids, rows), host, strict=True)] == [True] * 3


@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
def test_no_ids_leave_a_donated_table_as_it_is(backend, kernel, rng, size):
    table = rng.normal(size=(size, 3))
    none = backend.asarray(np.zeros(0, int)), backend.asarray(np.zeros((0, 3)))
    result = scatter_add(backend.asarray(table.copy()), *none, donate=True, xp=backend.xp)
    assert np.array_equal(backend.to_host(result), table)


@pytest.mark.host
def test_rows_ids_and_tables_need_not_be_contiguous(kernel, rng):
    size = ONE_HOT_ROWS + 1
    wide, long = rng.normal(size=(3, size)), rng.integers(0, size, 80).astype(np.int32)
    rows = rng.normal(size=(3, 40))
    for donate in (False, True):
        for target in (wide.T.copy(), wide.T.copy(order="F")):
            result = scatter_add(target.copy(order="K"), long[::2], rows.T, donate=donate, xp=np)
            assert_allclose(result, expected(target, long[::2], rows.T), rtol=1e-12, atol=1e-13)


@pytest.mark.host
@pytest.mark.parametrize("wrong", [-1, ONE_HOT_ROWS + 1, 2**40])
def test_an_id_outside_the_table_writes_nowhere(rng, wrong):
    """The sparse kernel checks nothing and would write beside the table."""
    size = ONE_HOT_ROWS + 1
    table = np.zeros((size, 3))
    with pytest.raises(
        IndexError, match=rf"^scatter_add: ids lie in {min(wrong, 5)}\.\.{max(wrong, 5)}, expected 0\.\."
    ):
        scatter_add(table, np.asarray([5, wrong]), np.ones((2, 3)), donate=True, xp=np)
    assert not table.any()


@pytest.mark.host
@pytest.mark.parametrize("size", [7, ONE_HOT_ROWS + 1])
@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("scale", [None, -0.25])
def test_cupys_way_gives_the_same_on_numpy(rng, size, donate, scale):
    target, ids, rows = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    right, given = expected(target, ids, (1.0 if scale is None else scale) * rows), target.copy()
    result = CuPy().scatter_add(target, ids, rows, scale, donate, xp=np)
    assert_allclose(result, right, rtol=1e-12, atol=1e-13)
    assert (result is target) == donate
    assert donate or np.array_equal(target, given)
