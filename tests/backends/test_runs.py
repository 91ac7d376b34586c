"""Sums that are the same in whatever order a GPU adds, and the way that libraries take on a GPU."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import RowGradient, coalesce, scatter_add
from portnn.backends.libraries.cupy import CuPy
from portnn.backends.libraries.runs import ONE_HOT_ROWS, sum_runs
from portnn.backends.namespaces import namespace_of
from portnn.checking.kernels import meta_backend

SIZE = ONE_HOT_ROWS + 1


@pytest.fixture
def often(rng):
    """A large table, ids of which one makes up a third, and rows."""
    ids = np.where(rng.random(1000) < 0.3, 7, rng.integers(0, SIZE, 1000))
    return rng.normal(size=(SIZE, 3)), ids, rng.normal(size=(1000, 3))


def expected(target, ids, rows):
    result = target.copy()
    np.add.at(result, ids, rows)
    return result


@pytest.fixture
def on_a_gpu(backend, monkeypatch):
    """Libraries that also run on a CPU take their way for a GPU."""
    if backend.name in ("torch", "mlx"):
        monkeypatch.setattr(type(backend.library), "_adds_atomically", lambda *_: True)
    if backend.name == "jax":
        monkeypatch.setattr("jax.lax.platform_dependent", lambda *arrays, cpu, default: default(*arrays))


@pytest.mark.host
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_each_id_has_one_row_so_that_no_order_of_additions_matters(rng, often, dtype):
    table, ids, rows = (array.astype(np.float32) if array.dtype == float else array for array in often)
    ids, sums, leads = sum_runs(ids.astype(dtype), rows, xp=np)
    assert ids.dtype == dtype
    assert sums.dtype == leads.dtype == np.float32
    assert leads.sum() == np.unique(ids).size
    assert not sums[leads[:, 0] == 0.0].any()
    once = expected(table, ids, sums)
    for order in (rng.permutation(len(ids)) for _ in range(20)):
        assert np.array_equal(expected(table, ids[order], sums[order]), once)
    assert_allclose(once, expected(*often), rtol=1e-5, atol=1e-5)


@pytest.mark.host
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 64, 65])
@pytest.mark.parametrize("size", [1, 3, 100])
def test_runs_of_any_length_have_their_sum_at_the_first(rng, count, size):
    ids, rows = rng.integers(0, size, count), rng.normal(size=(3, count)).T
    found, sums, leads = sum_runs(ids, rows, xp=np)
    assert found.tolist() == sorted(ids.tolist())
    assert found[leads[:, 0] == 1.0].tolist() == sorted(set(ids.tolist()))
    assert_allclose(expected(np.zeros((size, 3)), found, sums), expected(np.zeros((size, 3)), ids, rows), rtol=1e-12)


@pytest.mark.host
def test_a_row_that_is_not_finite_spoils_no_other_id():
    _, sums, _ = sum_runs(np.asarray([4, 2, 4, 9]), np.asarray([[np.inf], [1.0], [np.nan], [2.0]]), xp=np)
    assert np.array_equal(sums, [[1.0], [np.nan], [0.0], [2.0]], equal_nan=True)


@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("size", [7, SIZE])
def test_the_same_arguments_give_the_same_bits(backend, backend32, rng, size, donate):
    for chosen in (backend, backend32):
        host = rng.normal(size=(size, 5)), rng.integers(0, 7, 3000), rng.normal(size=(3000, 5))
        run = chosen.compile(lambda *arrays, xp=chosen.xp: scatter_add(*arrays, donate=donate, xp=xp))
        results = [chosen.to_host(run(*(chosen.asarray(array.copy()) for array in host))).copy() for _ in range(20)]
        assert all(np.array_equal(result, results[0]) for result in results)
        assert_allclose(results[0], expected(*host), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("integers", ["int32", "int64"])
def test_ids_may_have_either_integer_dtype(backend, often, integers):
    table, ids, rows = (backend.asarray(array.copy()) for array in often)
    ids = backend.xp.astype(ids, getattr(backend.xp, integers))
    for donate in (False, True):  # the donated one last
        result = scatter_add(table, ids, rows, donate=donate, xp=backend.xp)
        assert_allclose(backend.to_host(result), expected(*often), rtol=1e-12, atol=1e-12)


def test_rows_of_another_layout(backend, often):
    table, ids, rows = often
    given = backend.asarray(table), backend.asarray(ids), backend.xp.matrix_transpose(backend.asarray(rows.T.copy()))
    assert_allclose(backend.to_host(scatter_add(*given, xp=backend.xp)), expected(*often), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("size", [7, SIZE])
def test_coalesced_rows_are_added_as_they_are(backend, on_a_gpu, rng, size, donate):
    host = rng.normal(size=(size, 3)), rng.integers(0, size, 40), rng.normal(size=(40, 3))
    ids, rows, _ = coalesce(RowGradient(*map(backend.asarray, host[1:])), xp=backend.xp)
    scale = backend.asarray(np.float64(-0.5))
    table = backend.asarray(host[0].copy())
    result = scatter_add(table, ids, rows, scale=scale, donate=donate, coalesced=True, xp=backend.xp)
    assert_allclose(backend.to_host(result), expected(*host[:2], -0.5 * host[2]), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("scale", [None, -0.25])
@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("size", [7, SIZE])
@pytest.mark.parametrize("count", [0, 1, 40])
def test_the_way_of_a_gpu_gives_the_same(backend, on_a_gpu, rng, count, size, donate, scale):
    host = rng.normal(size=(size, 3)), rng.integers(0, size, count), rng.normal(size=(count, 3))
    factor = None if scale is None else backend.asarray(np.float64(scale))
    given = [backend.asarray(array.copy()) for array in host]
    result = scatter_add(*given, scale=factor, donate=donate, xp=backend.xp)
    right = expected(*host[:2], (1.0 if scale is None else scale) * host[2])
    assert_allclose(backend.to_host(result), right, rtol=1e-12, atol=1e-13)
    assert donate or np.array_equal(backend.to_host(given[0]), host[0])


@pytest.mark.host
def test_cupy_adds_each_id_once(often, monkeypatch):
    """And sums before it does so, unless that has been done."""
    added = []

    class Recording:
        def __getattr__(self, name):
            return getattr(np, name)

        class add:
            @staticmethod
            def at(table, ids, rows):
                added.append(rows.any(axis=1).sum())
                np.add.at(table, ids, rows)

    table, ids, rows = often
    distinct = np.unique(ids).size
    result = CuPy().scatter_add(table, ids, rows, None, False, xp=Recording())
    assert_allclose(result, expected(*often), rtol=1e-12, atol=1e-12)
    found, sums, _ = CuPy().coalesce(ids, rows, xp=np)
    assert np.array_equal(CuPy().scatter_add(table, found, sums, None, False, True, xp=Recording()), result)
    assert added == [distinct, distinct]


@pytest.mark.host
@pytest.mark.torch_oracle
@pytest.mark.parametrize(("coalesced", "sorts"), [(False, 1), (True, 0)])
def test_pytorch_sorts_before_it_adds_unless_that_has_been_done(coalesced, sorts):
    """As far as its device `meta` can tell."""
    meta = meta_backend()
    arrays = (meta.asarray(array) for array in (np.zeros((SIZE, 3)), np.zeros(9, int), np.zeros((9, 3))))
    with meta.library.counted_kernels() as launched:
        scatter_add(*arrays, coalesced=coalesced, xp=meta.xp)
    assert sum(count for name, count in launched.items() if "sort" in name) == sorts


@pytest.mark.only("jax")
@pytest.mark.parametrize(("platform", "sorts"), [("cpu", 0), ("cuda", 1)])
def test_jax_sorts_for_a_gpu_alone(backend, platform, sorts):
    """It lowers a step for a GPU that is not there."""
    import jax

    arrays = (np.zeros((SIZE, 3), np.float32), np.zeros(9, np.int32), np.zeros((9, 3), np.float32))
    step = jax.jit(lambda *given: scatter_add(*given, xp=backend.xp))
    lowered = step.trace(*arrays).lower(lowering_platforms=(platform,))
    assert lowered.as_text().count("stablehlo.sort") == sorts


@pytest.mark.only("jax")
@pytest.mark.parametrize(
    ("platform", "chosen", "precision"),
    [("cpu", None, "DEFAULT"), ("gpu", None, "HIGHEST"), ("gpu", "tensorfloat32", "HIGH")],
)
def test_jax_multiplies_in_float32_on_a_gpu_unless_told_otherwise(backend, monkeypatch, platform, chosen, precision):
    import jax

    def added(table, ids, rows):
        return scatter_add(table, ids, rows, xp=namespace_of(table))  # by one-hot rows: the table is small

    monkeypatch.setattr("jax.default_backend", lambda: platform)
    x, ids = backend.xp.ones((2, 2), dtype=backend.xp.float32), backend.xp.zeros(2, dtype=backend.xp.int32)
    with jax.default_matmul_precision(chosen):
        xp = namespace_of(x)
        for step, arrays in ((xp.matmul, (x, x)), (xp.vecdot, (x, x)), (added, (x, ids, x))):
            lowered = jax.jit(step).trace(*arrays).lower(lowering_platforms=("cuda",))
            assert f"[{precision}, {precision}]" in lowered.as_text()


@pytest.mark.host
def test_products_are_those_that_jax_is_asked_to_take_in_float32():
    """Another one would be in TF32 on a GPU until its precision is asked for beside that of `matmul`."""
    others = re.compile(r"\bxp\.(dot|vdot|inner|outer|tensordot|einsum|linalg\.(matmul|vecdot|tensordot|outer))\(")
    sources = Path(portnn.__file__).parent.rglob("*.py")
    assert not [str(path) for path in sources if others.search(path.read_text(encoding="utf-8"))]
