"""Word vectors of several processes: tables of their own, made equal by how many have changed a row."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.batches import Batch, Part, WindowBatches, WindowSettings
from portnn.models import WindowBatch, WordVectors
from portnn.training import StepResult
from portnn.training.apart_step import CURVATURE, FREQUENT, ApartStep, period_of

from .thread_group import together

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers share memory as Linux does"),
]

ROWS = 4 * FREQUENT
BATCH, PERIOD = 1024, 8


def batch_of(*rows):
    return Batch(WindowBatch(np.asarray([rows], np.int64), np.empty((1, 1, 1))), 1.0, False)


def adding(params, state, batch, carry, rate, number):
    """A step that adds 1 to the rows that a batch names."""
    for table in params.values():
        table[batch.ids.reshape(-1)] += 1.0
    return StepResult(params, state, carry, np.zeros(()), None)


def tables():
    return {name: np.zeros((ROWS, 2)) for name in ("input", "output")}


def approaching(params, state, batch, carry, rate, number):
    """A step that takes the rows that a batch names nearer to 1, each time by the same share of what is left."""
    for table in params.values():
        np.add.at(table, batch.ids.reshape(-1), -np.expm1(-CURVATURE * rate) * (1.0 - table[batch.ids.reshape(-1)]))
    return StepResult(params, state, carry, np.zeros(()), None)


@pytest.mark.parametrize("rate", [0.025, 1e-4, 1.0])
def test_a_row_is_where_it_would_be_had_its_uses_come_one_after_the_other(rate):
    """Row 1 is used by all processes, so often that it arrives; what each has done counts once, not three times."""

    def work(group):
        params, step = tables(), ApartStep(WordVectors(ROWS, 2), approaching, group, BATCH, stop=lambda: False)
        for number in range(1, 3 * PERIOD + 1):
            step(params, None, batch_of(1), (), np.float64(rate), np.float64(number))
        step.settle(params)
        return params

    for params in together(3, work):
        for table in params.values():
            assert_allclose(table[1], -np.expm1(-CURVATURE * rate * 3 * 3 * PERIOD), rtol=1e-4)
            assert not table[[0, 2]].any()


@pytest.mark.parametrize(("rate", "times"), [(0.0, (1, 2, 3)), (1e-9, (1, 2, 3)), (1e3, (1, 1, 1))])
def test_changes_of_seldom_used_rows_are_added_up_of_often_used_ones_averaged(rate, times):
    """The mean is that of the processes that have used a row: what one alone knows counts whole."""

    def work(group):
        params, step = tables(), ApartStep(WordVectors(ROWS, 2), adding, group, BATCH, stop=lambda: False)
        rows = {0: (1, 2, 9), 1: (2, 9), 2: (9,)}[group.rank]
        for number in range(1, PERIOD + 1):
            step(params, None, batch_of(*rows), (), np.float64(rate), np.float64(number))
        step.settle(params)
        return params

    for params in together(3, work):
        for table in params.values():
            assert_allclose(table[[1, 2, 9], 0], PERIOD * np.asarray(times), rtol=1e-5)
            assert not table[[0, 3, 8, 10]].any()


@pytest.mark.parametrize(
    ("processes", "batch_size", "steps"),
    [(1, 512, 32), (2, 512, 16), (4, 512, 8), (8, 512, 4), (1000, 512, 4), (2, 2048, 4), (2, 100, 82), (2, 1 << 14, 1)],
)
def test_frequent_rows_are_made_equal_after_as_many_positions(processes, batch_size, steps):
    assert period_of(processes, batch_size) == steps


def test_frequent_rows_are_made_equal_often_and_all_seldom():
    """Rows up to 1,024 after a period, up to 2,048 after two, and all 4,096 after four."""
    places = [0, FREQUENT, 2 * FREQUENT, ROWS - 1]

    def work(group):
        params, step = tables(), ApartStep(WordVectors(ROWS, 2), adding, group, BATCH, stop=lambda: False)
        equal = []
        for number in range(1, 8 * PERIOD + 1):
            step(params, None, batch_of(*(places if group.rank else ())), (), np.float64(1.0), np.float64(number))
            if number % PERIOD == 0:
                equal.append(params["input"][places, 0].tolist())
        step.settle(params)
        return equal, params

    (one, at_one), (other, at_other) = together(2, work)
    found = [[a == b for a, b in zip(*pair, strict=True)] for pair in zip(one, other, strict=True)]
    seldom, often, whole = [True, False, False, False], [True, True, False, False], [True] * 4
    assert found == [seldom, often, seldom, whole] * 2
    for name, table in at_one.items():
        assert np.array_equal(table, at_other[name])


def test_a_wish_to_stop_is_granted_when_all_rows_are_equal():
    def work(group):
        step = ApartStep(WordVectors(ROWS, 2), adding, group, BATCH, stop=lambda: group.rank == 1)
        params, stops = tables(), []
        for number in range(1, 4 * PERIOD + 1):
            step(params, None, batch_of(group.rank), (), np.float64(1.0), np.float64(number))
            stops.append(step.stops)
        return stops

    assert together(2, work) == [[False] * (4 * PERIOD - 1) + [True]] * 2


def windows(parts):
    ids = np.arange(3000) % 20
    ids[::7] = 20
    counts = np.bincount(ids)[:20]
    settings = WindowSettings(window=2, sample=0.0)
    return WindowBatches(ids.astype(np.uint8), counts, int(counts.sum()), settings, batch_size=16, parts=parts, seed=3)


@pytest.mark.parametrize("parts", [1, 2, 3, 50])
def test_every_word_of_the_text_is_in_one_part_of_a_pass(parts):
    """And every part has as many batches."""
    pairs, counts, seen = 0.0, set(), []
    for rank in range(parts):
        batches = windows(parts)
        made = [batches.at(position, Part(rank, parts)) for position in range(batches.batches)]
        pairs += sum(batch.terms for batch in made)
        counts.add(len(made))
        seen += [batch.data.ids.tobytes() + batch.data.weights.tobytes() for batch in made if batch.terms]
        assert [batch.starts for batch in made] == [True] + [False] * (len(made) - 1)
        batches.close()
    assert len(counts) == 1
    assert len(set(seen)) == len(seen)  # no part has what another has: negatives are drawn for each slice
    whole = windows(1)
    right = sum(whole.at(position).terms for position in range(whole.batches))
    whole.close()
    assert pairs == pytest.approx(right, rel=0.1)  # windows are drawn, and end where slices do


def test_pieces_of_any_length_have_as_many_batches_each_and_all_of_their_words():
    pieces, settings = (np.arange(9000) % 20, np.arange(1000) % 20), WindowSettings(window=2, sample=0.0)
    both = [
        WindowBatches(
            ids.astype(np.uint8), np.full(20, 500), 10_000, settings, batch_size=16, parts=2, largest_piece=9000, seed=3
        )
        for ids in pieces
    ]
    assert both[0].batches == both[1].batches
    for rank, batches in enumerate(both):
        batches.check_parts(2)
        made = [batches.at(position, Part(rank, 2)) for position in range(batches.batches)]
        assert sum(batch.terms for batch in made) == pytest.approx(3.0 * len(pieces[rank]), rel=0.05)
        assert [batch.starts for batch in made] == [True] + [False] * (len(made) - 1)
        batches.close()


TEXT = " ".join(f"w{row * row % 31} v{row % 17} {'abc'[row % 3]}" for row in range(6000))


def fitted(workers, out=None, **options):
    model = portnn.Word2Vec(vector_size=8, window=2, min_count=1, sample=0, seed=4, batch_size=32, lines=False)
    return model.fit(TEXT, **{"epochs": 2, "workers": workers, "out": out, "progress": False, **options})


def bits(model):
    return {name: np.asarray(table).tobytes() for name, table in model.params.items()}


@pytest.mark.parametrize("workers", [2, 3])
def test_several_processes_learn_what_one_learns_and_always_the_same_bits(workers):
    alone, one, two = fitted(1), fitted(workers), fitted(workers)
    assert bits(one) == bits(two)
    assert one.history.step == pytest.approx(alone.history.step / workers, rel=0.5)
    assert one.epoch_losses[-1] < one.epoch_losses[0]
    cosines = [model.wv.similarity("a", "b") for model in (alone, one)]
    assert cosines[0] == pytest.approx(cosines[1], abs=0.3)


def test_a_stopped_run_is_resumed_exactly(tmp_path):
    """It stops when all tables are equal, which is soon."""

    def stop(event):
        if event.step == 11:
            os.kill(os.getpid(), signal.SIGTERM)

    whole = fitted(2, tmp_path / "whole.safetensors")
    with pytest.raises(portnn.training.Interrupted) as caught:
        fitted(2, tmp_path / "run.safetensors", callbacks=[stop])
    assert 11 < caught.value.step < whole.history.step
    resumed = fitted(2, tmp_path / "run.safetensors", resume=True)
    assert bits(resumed) == bits(whole)
    assert resumed.epoch_losses == whole.epoch_losses[-len(resumed.epoch_losses) :]


def test_a_full_softmax_has_one_process():
    model = portnn.Word2Vec(vector_size=8, min_count=1, negative=0, seed=4, lines=False)
    with pytest.raises(ValueError, match=r"^a full softmax over the words \(negative 0\) trains in one process"):
        model.fit(TEXT, workers=2, progress=False)


def test_optimizers_whose_state_would_drift_apart_have_one_process():
    with pytest.raises(ValueError, match=r"^several processes learn word vectors by sgd without momentum"):
        fitted(2, optimizer="adagrad")


def test_other_libraries_have_one_process():
    model = portnn.Word2Vec(vector_size=8, min_count=1, lines=False, backend="array-api-strict")
    with pytest.raises(ValueError, match=r"on NumPy, not on array-api-strict: give workers=1$"):
        model.fit(TEXT, workers=2, progress=False)


def test_tables_that_a_callback_puts_in_place_are_where_all_go_on_from():
    def work(group):
        params, step = tables(), ApartStep(WordVectors(ROWS, 2), adding, group, BATCH, stop=lambda: False)
        for number in range(1, PERIOD + 1):
            if number == 3:
                params = {name: np.full_like(table, 5.0) for name, table in params.items()}
            step(params, None, batch_of(1 + group.rank), (), np.float64(1.0), np.float64(number))
        return params

    for params in together(2, work):
        for table in params.values():
            assert_allclose(table[:4, 0], [5.0, 5.0 + PERIOD - 2, 5.0 + PERIOD - 2, 5.0])
