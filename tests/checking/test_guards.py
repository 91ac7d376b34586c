import numpy as np
import pytest

import portnn
from portnn.checking import check_gradients, frozen, without_stalls


@pytest.mark.host
def test_a_frozen_numpy_array_cannot_be_written_into_but_the_original_can():
    array = np.ones(3)
    view = frozen(array)
    with pytest.raises(ValueError, match="read-only"):
        view += 1.0
    array += 1.0
    assert view.tolist() == [2.0, 2.0, 2.0]


def test_a_frozen_array_of_any_library_is_worth_the_same(backend):
    array = frozen(backend.asarray([1.0, 2.0]))
    assert backend.to_host(array * 2.0).tolist() == [2.0, 4.0]


@pytest.mark.host
def test_a_function_that_writes_into_its_argument_does_not_pass_the_gradient_check():
    def careless(arrays, *, xp):
        x = arrays["x"]
        x *= 2.0
        return xp.sum(x), {"x": xp.ones_like(x)}

    with pytest.raises(ValueError, match="read-only"):
        check_gradients(careless, {"x": np.ones(2)})


def host_copy(x, xp):
    return x + np.ones(3)


def decision(x, xp):
    return x if bool(x[0] > 0.0) else -x


def selection(x, xp):
    return x[x > 0.5]


def distinct(x, xp):
    return xp.unique_values(x)


STALLS = {"jax": [host_copy, decision], "array-api-strict": [selection, distinct]}


def test_what_would_stall_a_gpu_is_an_error_where_the_library_can_tell(backend):
    """JAX knows copies that nobody asked for, array-api-strict knows shapes that depend on values."""
    x = backend.asarray([1.0, 2.0, 0.0])
    for stall in STALLS.get(backend.name, []):
        with without_stalls(backend), pytest.raises(Exception, match=r"(?i)disallowed|boolean|data.dependent|disabled"):
            stall(x, backend.xp)


@pytest.mark.host
@pytest.mark.parametrize("stall", STALLS["array-api-strict"])
def test_the_guard_of_array_api_strict_forbids_by_itself(stall):
    strict = portnn.backend("array-api-strict")
    x = strict.asarray([1.0, 2.0, 0.0])
    stall(x, strict.xp)
    with without_stalls(strict), pytest.raises(RuntimeError, match=r"(?i)boolean|data.dependent"):
        stall(x, strict.xp)


def test_what_stalls_nothing_passes_and_gives_the_same(backend):
    x = backend.asarray([1.0, 2.0, 0.0])
    function = backend.compile(lambda x: backend.xp.sum(backend.xp.exp(x) * x))
    expected = float(function(x))
    with without_stalls(backend):
        result = function(x)
    assert float(result) == expected


@pytest.mark.parametrize("failing", [False, True])
def test_the_guard_ends_with_its_block_even_after_an_error(backend, failing):
    try:
        with without_stalls(backend):
            if failing:
                raise KeyError
    except KeyError:
        assert failing
    if backend.name == "jax":
        assert backend.to_host(host_copy(backend.asarray([1.0, 2.0, 3.0]), backend.xp)).tolist() == [2.0, 3.0, 4.0]
