import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import RowGradient, coalesce


@pytest.fixture(params=["as installed", pytest.param("without SciPy", marks=pytest.mark.host)])
def kernel(request, monkeypatch):
    if request.param == "without SciPy":
        monkeypatch.setattr("portnn.backends.libraries.numpy._sparse_kernel", lambda: None)


@pytest.fixture
def coalesced(kernel):
    """Ids, sums and leads on the host."""

    def both(backend, ids, rows):
        gradient = RowGradient(backend.asarray(np.asarray(ids)), backend.asarray(np.asarray(rows)))
        found, sums, leads = coalesce(gradient, xp=backend.xp)
        return backend.to_host(found), backend.to_host(sums), backend.to_host(leads)

    return both


IDS = {
    "repeated": [4, 1, 4, 0, 4, 1, 7],
    "all the same": [3, 3, 3, 3],
    "each once": [5, 2, 9],
    "in order": [0, 0, 1, 1, 1, 8],
    "one": [6],
    "none": [],
}


@pytest.mark.parametrize("ids", IDS.values(), ids=IDS)
def test_each_id_leads_once_and_has_the_sum(backend, coalesced, rng, ids):
    ids, rows = np.asarray(ids, int), rng.normal(size=(len(ids), 3))
    found, sums, leads = coalesced(backend, ids, rows)
    assert leads.shape == (len(found), 1)
    assert len(found) == len(sums) == (len(set(ids.tolist())) if backend.library.on_host else len(ids))
    leading = leads[:, 0] == 1.0
    assert found[leading].tolist() == sorted(set(ids.tolist()))
    for word, total in zip(found[leading], sums[leading], strict=True):
        assert_allclose(total, rows[ids == word].sum(axis=0), rtol=1e-12, atol=1e-14)
    # What does not lead is zero, and changes nothing wherever it is added.
    assert not leads[~leading].any()
    assert not sums[~leading].any()


def test_float32_stays_float32(backend32, coalesced):
    _, sums, leads = coalesced(backend32, [2, 2], np.ones((2, 2)))
    assert sums.dtype == leads.dtype == np.float32
    assert sums.sum() == 4.0


def test_arguments_are_not_written_into(backend, place, kernel, rng):
    ids, rows = rng.integers(0, 4, 20), rng.normal(size=(20, 3))
    gradient = RowGradient(place(ids), place(rows))
    coalesce(gradient, xp=backend.xp)
    assert np.array_equal(backend.to_host(gradient.ids), ids)
    assert np.array_equal(backend.to_host(gradient.rows), rows)


def test_no_shape_depends_on_data_where_a_step_is_compiled(backend, rng):
    """Once compiled, the same function serves other ids."""
    summed = backend.compile(lambda ids, rows: coalesce(RowGradient(ids, rows), xp=backend.xp).rows)
    for ids in ([1, 1, 1], [2, 0, 1]):
        total = backend.to_host(summed(backend.asarray(np.asarray(ids)), backend.asarray(np.ones((3, 2)))))
        assert total.sum() == 6.0
