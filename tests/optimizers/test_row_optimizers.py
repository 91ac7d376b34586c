"""Updates of tables by gradients that come in rows."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn.backends import RowGradient
from portnn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

ROWS, WIDTH, STEPS = 600, 3, 5
SOME = 6
"""Ids lie below this; rows from there on are never touched."""

sparse = pytest.mark.parametrize("chosen", [SGD(), Adagrad(), Adam()], ids=str)


def batches(ids_of):
    """Ids with repetitions, and their rows, for every step."""
    rng = np.random.default_rng(11)
    return [(ids_of(rng), rng.normal(size=(14, WIDTH))) for _ in range(STEPS)]


def some(rng):
    return rng.integers(0, SOME, 14)


def whole(ids, rows, size):
    gradient = np.zeros((size, WIDTH))
    np.add.at(gradient, ids, rows)
    return gradient


def run(chosen, backend, table, steps, *, in_rows, donate=False):
    """Table and state on the host after each step."""
    place, xp = backend.asarray, backend.xp
    params = {"w": place(table.copy())}
    state = chosen.init(params, xp=xp)
    history = []
    for number, (ids, rows) in enumerate(steps, start=1):
        grad = RowGradient(place(ids), place(rows)) if in_rows else place(whole(ids, rows, len(table)))
        params, state = chosen.update(
            params,
            {"w": grad},
            state,
            learning_rate=place(np.float64(0.1)),
            step=place(np.float64(number)),
            donate=donate,
            xp=xp,
        )
        history.append([np.array(backend.to_host(array)) for array in (params["w"], *(s["w"] for s in state.values()))])
    return history


def alike(history, other):
    for step, (ours, theirs) in enumerate(zip(history, other, strict=True), start=1):
        for array, right in zip(ours, theirs, strict=True):
            assert_allclose(array, right, rtol=1e-11, atol=1e-13, err_msg=f"step {step}")


@pytest.mark.parametrize("donate", [False, True])
@pytest.mark.parametrize("chosen", [SGD(), Adagrad(), Adagrad(eps=0.1)], ids=str)
@pytest.mark.parametrize("size", [SOME + 2, ROWS])
def test_rows_move_a_table_as_its_whole_gradient_does(backend, rng, chosen, donate, size):
    table, steps = rng.normal(size=(size, WIDTH)), batches(some)
    alike(
        run(chosen, backend, table, steps, in_rows=True, donate=donate),
        run(chosen, backend, table, steps, in_rows=False),
    )


@pytest.mark.parametrize("donate", [False, True])
def test_adam_where_every_row_has_a_gradient(backend, rng, donate):
    table = rng.normal(size=(SOME, WIDTH))
    steps = batches(lambda rng: rng.permutation(np.concatenate((np.arange(SOME), some(rng)[:8]))))
    alike(
        run(Adam(), backend, table, steps, in_rows=True, donate=donate),
        run(Adam(), backend, table, steps, in_rows=False),
    )


@sparse
def test_rows_without_a_gradient_stay_with_their_state(backend, rng, chosen):
    table = rng.normal(size=(ROWS, WIDTH))
    steps = [(np.asarray([0, 1, 1]), rng.normal(size=(3, WIDTH))), (np.asarray([2, 2, 0]), rng.normal(size=(3, WIDTH)))]
    first, second = run(chosen, backend, table, steps, in_rows=True)
    assert np.array_equal(first[0][2:], table[2:])
    assert not any(state[2:].any() for state in first[1:])
    for before, after in zip(first, second, strict=True):
        assert np.array_equal(before[1], after[1])  # only the first step had a gradient for it
        assert np.array_equal(before[3:], after[3:])
        assert not np.array_equal(before[0], after[0])
        assert not np.array_equal(before[2], after[2])


@sparse
@pytest.mark.parametrize("donate", [False, True])
def test_only_donated_tables_are_written_to(backend, place, rng, chosen, donate):
    table = rng.normal(size=(ROWS, WIDTH))
    mine = place if not donate else backend.asarray
    params = {"w": mine(table.copy())}
    state = {slot: {"w": mine(np.ones((ROWS, WIDTH)))} for slot in chosen.slots}
    grads = {"w": RowGradient(place([1, 1, 4]), place(rng.normal(size=(3, WIDTH))))}
    scalars = {"learning_rate": place(np.float64(0.1)), "step": place(np.float64(2.0))}
    moved, kept = chosen.update(params, grads, state, **scalars, donate=donate, xp=backend.xp)
    given, got = (
        (tree["w"], *(slot["w"] for slot in more.values())) for tree, more in ((params, state), (moved, kept))
    )
    written = donate and backend.library.writes_donated
    assert [new is old for new, old in zip(got, given, strict=True)] == [written] * len(given)
    if not written:
        assert np.array_equal(backend.to_host(params["w"]), table)
        assert all(np.all(backend.to_host(slot["w"]) == 1.0) for slot in state.values())


def test_tables_in_rows_and_parameters_as_a_whole_go_side_by_side(backend, rng):
    place = backend.asarray
    params = {"table": place(np.ones((4, 2))), "bias": place(np.ones(3))}
    grads = {"table": RowGradient(place(np.asarray([3])), place(np.ones((1, 2)))), "bias": place(np.ones(3))}
    rate, step = place(np.float64(0.5)), place(np.float64(1.0))
    moved, _ = SGD().update(params, grads, {}, learning_rate=rate, step=step, donate=True, xp=backend.xp)
    assert backend.to_host(moved["table"]).tolist() == [[1.0, 1.0]] * 3 + [[0.5, 0.5]]
    assert backend.to_host(moved["bias"]).tolist() == [0.5] * 3


ALL_ROWS = [
    SGD(momentum=0.9),
    SGD(weight_decay=0.1),
    Adagrad(weight_decay=0.1),
    Adam(weight_decay=0.1),
    RMSprop(),
    AdamW(),
]


def updated(chosen, backend, ids, rows, shape=(4, 2)):
    place, xp = backend.asarray, backend.xp
    params = {"w": place(np.ones(shape))}
    grads = {"w": RowGradient(place(np.asarray(ids)), place(rows))}
    rate, step = place(np.float64(0.5)), place(np.float64(1.0))
    return chosen.update(params, grads, chosen.init(params, xp=xp), learning_rate=rate, step=step, xp=xp)


@pytest.mark.parametrize("chosen", ALL_ROWS, ids=str)
def test_optimizers_that_move_all_rows_refuse(backend, chosen):
    message = f"{chosen.name}: grads['w'] is a RowGradient, but this optimizer moves all rows; use sgd, adagrad or adam"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        updated(chosen, backend, [1], np.ones((1, 2)))
    assert not chosen.takes_rows


@sparse
@pytest.mark.parametrize(
    ("ids", "rows", "shape"), [([1, 2], (1, 2), (4, 2)), ([1], (1, 3), (4, 2)), ([1], (1, 4), (4,))]
)
def test_rows_that_do_not_fit(backend, chosen, ids, rows, shape):
    message = f"{chosen.name}: grads['w'] has {len(ids)} ids and rows of shape {rows}, its parameter {shape}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        updated(chosen, backend, ids, np.ones(rows), shape)


@sparse
def test_rows_of_another_dtype(backend, backend32, chosen):
    wide, narrow = backend.asarray(np.ones((4, 2))), backend32.asarray(np.ones((1, 2)))
    grads = {"w": RowGradient(backend.asarray(np.asarray([1])), narrow)}
    rate, step = backend.asarray(np.float64(0.5)), backend.asarray(np.float64(1.0))
    state = chosen.init({"w": wide}, xp=backend.xp)
    with pytest.raises(TypeError, match=r"grads\['w'\] has dtype \S*float32, its parameter \S*float64"):
        chosen.update({"w": wide}, grads, state, learning_rate=rate, step=step, xp=backend.xp)
