import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import scan

TIME = 4


def step_of(exp):
    """A step with a nested carry, two inputs of different shapes and two outputs."""

    def step(carry, now):
        total, (product,) = carry
        x, scale = now
        total = total * 0.5 + x * scale
        product = product * exp(-x)
        return (total, (product,)), (total - product, scale + total)

    return step


@pytest.fixture
def host(rng):
    return (np.ones(3), (np.full(3, 2.0),)), (rng.normal(size=(TIME, 3)), rng.normal(size=TIME))


@pytest.fixture(scope="module")
def scanned(backend):
    """`scan` on arrays of the library, compiled once for each direction."""

    def make(reverse):
        step = step_of(backend.xp.exp)
        return backend.compile(lambda carry, xs: scan(step, carry, xs, xp=backend.xp, reverse=reverse))

    return {reverse: make(reverse) for reverse in (False, True)}


@pytest.mark.parametrize("reverse", [False, True])
def test_the_same_as_a_plain_loop(backend, place, host, scanned, reverse):
    carry, xs = host
    expected: list = [None] * TIME
    for t in reversed(range(TIME)) if reverse else range(TIME):
        carry, expected[t] = step_of(np.exp)(carry, tuple(x[t] for x in xs))
    (first, (second,)), sequences = host
    (total, (product,)), ys = scanned[reverse]((place(first), (place(second),)), tuple(map(place, sequences)))
    assert_allclose(backend.to_host(total), carry[0], rtol=1e-13)
    assert_allclose(backend.to_host(product), carry[1][0], rtol=1e-13)
    for k, y in enumerate(ys):
        assert_allclose(backend.to_host(y), np.stack([now[k] for now in expected]), rtol=1e-13, atol=1e-15)


def test_outputs_keep_the_order_of_the_inputs_in_reverse_too(backend, place):
    x = place(np.arange(5.0))
    for reverse, final in ((False, 4.0), (True, 0.0)):
        last, (y,) = scan(lambda carry, now: (now[0], (now[0],)), x[0], (x,), xp=backend.xp, reverse=reverse)
        assert backend.to_host(y).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert float(last) == final


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("fusible", [False, True])
def test_what_does_not_depend_on_the_carry_may_be_prepared_for_many_steps_at_once(
    backend, place, rng, reverse, fusible
):
    x, scale = rng.normal(size=(TIME, 3)), rng.normal(size=(TIME, 3))
    xp, xs = backend.xp, (place(x), place(scale))

    def prepared(carry, now):
        return carry + now[0], (carry * now[1],)

    def plain(carry, now):
        return prepared(carry, (now[0] * now[1], now[1] + 1.0))

    def prepare(x, scale):
        return x * scale, scale + 1.0

    one = scan(prepared, place(np.ones(3)), xs, xp=xp, reverse=reverse, prepare=prepare, fusible=fusible)
    other = scan(plain, place(np.ones(3)), xs, xp=xp, reverse=reverse)
    assert_allclose(backend.to_host(one[0]), backend.to_host(other[0]), rtol=1e-14)
    assert_allclose(backend.to_host(one[1][0]), backend.to_host(other[1][0]), rtol=1e-14)


@pytest.mark.host
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("block", [1, 6, 9, 100])
def test_numpy_prepares_block_by_block_whatever_is_left_for_the_last(monkeypatch, rng, reverse, block):
    """Blocks of 1, 2, 3 and all 7 steps."""
    xs = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    lengths = []

    def prepare(x, scale):
        lengths.append(len(x))
        return x * scale, scale

    def step(carry, now):
        return carry * 0.5 + now[0], (carry - now[1], carry[0])

    expected = scan(step, np.ones(3), (xs[0] * xs[1], xs[1]), xp=np, reverse=reverse)
    monkeypatch.setattr("portnn.backends.libraries.numpy.BLOCK", block)
    carry, ys = scan(step, np.ones(3), xs, xp=np, reverse=reverse, prepare=prepare)
    assert sum(lengths) == 7
    assert max(lengths) == min(7, max(1, block // 3))
    assert np.array_equal(carry, expected[0])
    for y, its in zip(ys, expected[1], strict=True):
        assert np.array_equal(y, its)


@pytest.mark.parametrize("reverse", [False, True])
def test_one_step(backend, place, reverse):
    x = place([[1.0, 2.0]])
    carry, (y,) = scan(lambda c, now: (c + now[0], (c,)), place([1.0, 1.0]), (x,), xp=backend.xp, reverse=reverse)
    assert backend.to_host(carry).tolist() == [2.0, 3.0]
    assert backend.to_host(y).tolist() == [[1.0, 1.0]]


def test_a_step_may_put_out_nothing(backend, place):
    total, ys = scan(lambda c, now: (c + now[0], ()), place(0.0), (place([1.0, 2.0, 3.0]),), xp=backend.xp)
    assert float(total) == 6.0
    assert tuple(ys) == ()


def test_an_output_that_is_also_carried_on_is_not_changed_later(backend, place):
    """Each output is a copy, even where the step hands out the array it goes on with."""
    _, (y,) = scan(lambda c, now: (c + now[0], (c,)), place([0.0]), (place([[1.0], [2.0], [4.0]]),), xp=backend.xp)
    assert backend.to_host(y)[:, 0].tolist() == [0.0, 1.0, 3.0]


def test_float32_stays_float32(backend32):
    x = backend32.asarray(np.ones((3, 2)))
    carry, (y,) = scan(lambda c, now: (c + now[0], (c * 0.5,)), x[0, ...], (x,), xp=backend32.xp)
    assert backend32.to_host(carry).dtype == backend32.to_host(y).dtype == np.float32


def test_inputs_of_different_lengths_are_refused(backend, place):
    xs = place(np.ones((3, 2))), place(np.ones((4, 2)))
    with pytest.raises(ValueError):  # noqa: PT011 - each library has its own words
        scan(lambda c, now: (c, (c,)), place(0.0), xs, xp=backend.xp)
