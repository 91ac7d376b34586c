import numpy as np
import pytest

from portnn.ops.rows import as_rows, row_max


def test_a_matrix_is_its_own_rows(backend, place, rng):
    x = place(rng.normal(size=(4, 3)))
    assert as_rows(x, xp=backend.xp) is x
    assert tuple(as_rows(place(np.zeros((2, 5, 3))), xp=backend.xp).shape) == (10, 3)
    assert tuple(as_rows(place(np.zeros(3)), xp=backend.xp).shape) == (1, 3)


@pytest.mark.parametrize("shape", [(6, 1), (6, 2), (6, 3), (6, 4), (6, 5), (2, 3, 4), (2, 3, 9), (3,)], ids=str)
def test_the_largest_entry_of_each_row_whatever_its_length(backend, place, rng, shape):
    x = rng.normal(size=shape)
    largest = backend.to_host(row_max(place(x), xp=backend.xp))
    assert np.array_equal(largest, x.max(axis=-1, keepdims=True))
