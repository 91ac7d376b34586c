"""Word vectors of several processes that write to the same tables."""

from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest

import portnn
from portnn.batches import Batch
from portnn.estimators.word2vec_settings import check_apart
from portnn.models import WordVectors
from portnn.training import StepResult
from portnn.training.lock_free_step import STEPS, LockFreeStep

from .thread_group import together

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers share memory as Linux does"),
]

TEXT = " ".join(f"w{row * row % 31} v{row % 17} {'abc'[row % 3]}" for row in range(6000))


def adding(params, state, batch, carry, rate, number):
    """A step that adds 1 to the row that a batch names."""
    for table in params.values():
        table[batch] += 1.0
    return StepResult(params, state, carry, np.zeros(()), None)


def tables(value=0.0):
    return {name: np.full((4, 2), value) for name in ("input", "output")}


def test_all_write_to_the_same_tables_and_stop_together():
    common = tables()

    def work(group):
        step = LockFreeStep(WordVectors(4, 2), adding, group, common, stop=lambda: group.rank == 1)
        params, stops = common, []
        for number in range(1, STEPS + 1):
            params = step(params, None, Batch(group.rank, 1.0, False), (), 1.0, np.float64(number)).params
            stops.append(step.stops)
        return params, stops

    for params, stops in together(2, work):
        assert stops == [False] * (STEPS - 1) + [True]
        for name, table in params.items():
            assert table is common[name]
            assert table[:, 0].tolist() == [STEPS, STEPS, 0.0, 0.0]


def test_tables_that_a_callback_puts_in_place_are_where_all_go_on_from():
    common = tables()

    def work(group):
        step, params = LockFreeStep(WordVectors(4, 2), adding, group, common, stop=lambda: False), common
        for number in range(1, 9):
            if number == 3:
                params = tables(5.0)
            params = step(params, None, Batch(group.rank, 1.0, False), (), 1.0, np.float64(number)).params
        return params

    for params in together(2, work):
        for name, table in params.items():
            assert table is common[name]
            assert table[:, 0].tolist() == [11.0, 11.0, 5.0, 5.0]


def fitted(workers, out=None, shared_tables=True, **options):
    model = portnn.Word2Vec(
        vector_size=8, window=2, min_count=1, sample=0, seed=4, batch_size=32, lines=False, shared_tables=shared_tables
    )
    return model.fit(TEXT, **{"epochs": 2, "workers": workers, "out": out, "progress": False, **options})


def bits(model):
    return {name: np.asarray(table).tobytes() for name, table in model.params.items()}


def test_several_processes_learn_what_one_learns():
    alone, shared = fitted(1), fitted(3)
    assert shared.history.step == pytest.approx(alone.history.step / 3, rel=0.5)
    assert shared.epoch_losses == pytest.approx(alone.epoch_losses, rel=0.05)
    assert shared.wv.similarity("a", "b") == pytest.approx(alone.wv.similarity("a", "b"), abs=0.3)
    assert bits(fitted(1, shared_tables=False)) == bits(alone)


def test_what_the_other_processes_have_learned_counts():
    """With three, each trains on a third of the text; tables of its own would be nearer to where they began."""
    lengths = [float(np.linalg.norm(fitted(workers).params["output"])) for workers in (1, 3)]
    assert lengths[1] == pytest.approx(lengths[0], rel=0.1)


@pytest.mark.parametrize(("shared_tables", "sizes"), [(True, [36, 36, 12]), (False, [36, 36, 36])])
def test_the_more_write_the_shorter_are_their_steps(shared_tables, sizes):
    """With steps as long as those of one process, eight have been seen to diverge."""
    vocabulary = portnn.text.WordVocabulary.from_counts(portnn.text.count_words(TEXT), 1)
    model = portnn.Word2Vec(shared_tables=shared_tables, sample=0, alpha=1e-6, min_alpha=0)
    assert [model.batch_size_for(vocabulary, workers=workers) for workers in (1, 2, 4)] == sizes


def test_a_stopped_run_is_resumed(tmp_path):
    def stop(event):
        if event.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(portnn.training.Interrupted) as caught:
        fitted(2, tmp_path / "run.safetensors", callbacks=[stop])
    resumed = fitted(2, tmp_path / "run.safetensors", resume=True)
    assert caught.value.step < resumed.history.step
    assert len(resumed.epoch_losses) >= 1
    assert portnn.load(tmp_path / "run.safetensors").settings.shared_tables is True


def test_a_fitted_model_is_trained_further():
    model = fitted(2)
    before = bits(model)
    again = portnn.Word2Vec.fit(model, TEXT, steps=5, workers=2, progress=False)
    assert bits(again) != before


def test_ranks_of_mpi_have_no_memory_in_common():
    group = SimpleNamespace(size=2)
    with pytest.raises(
        ValueError, match=r'^shared_tables needs workers that one process starts, .* not workers="mpi"$'
    ):
        check_apart(portnn.backend("numpy"), "sgd", group, shared_tables=True)
    check_apart(portnn.backend("numpy"), "sgd", group, shared_tables=False)
