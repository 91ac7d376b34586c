"""Workers: a run that several processes share is that of one, and no process is left behind."""

from __future__ import annotations

import multiprocessing
import operator
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl
from numpy.testing import assert_allclose

import portnn
from portnn import process
from portnn.backends import Backend, tree_flatten
from portnn.batches import ChunkStreams, WindowBatches
from portnn.checking import training_cases
from portnn.groups import WorkerError
from portnn.models import RecurrentLM
from portnn.optimizers import as_optimizer
from portnn.optimizers.schedules import Linear
from portnn.training import DivergenceError, Plan, Trainer, automatic_workers, check_workers

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers share memory as Linux does"),
]

TEXT = "the quick brown fox jumps over the lazy dog. " * 30


def plan(workers, **settings):
    return Plan(
        **{
            "optimizer": as_optimizer("adam"),
            "schedule": Linear(0.02, 40),
            "clip_norm": 1.0,
            "workers": workers,
            "log_every": 1,
            "evaluate_every": 1000,
            "divergence_factor": 1e9,
            **settings,
        }
    )


def losses(case, workers, steps, **settings):
    backend, lines = portnn.backend("numpy", dtype="float64"), []
    params = case.model.init(np.random.default_rng(0))
    trainer = Trainer(
        case.model, case.batches(), plan(workers, **settings), backend, params, on_metrics=lines.append, quiet=True
    )
    state = trainer.run(steps)
    return [line["loss"] for line in lines], state


SHARED = [case for case in training_cases() if not isinstance(case.batches(), WindowBatches)]


@pytest.mark.parametrize("case", SHARED[::4], ids=lambda case: case.name)
def test_every_step_is_that_of_one_process(case):
    """Every fourth case here; the distributed checks go through all of them."""
    alone, right = losses(case, 1, 40)
    together, state = losses(case, 2, 40)
    assert_allclose(together, alone, rtol=1e-9)
    for top in ("params", "optimizer_state", "carry"):
        for (path, array), (_, expected) in zip(
            tree_flatten(getattr(state, top), top), tree_flatten(getattr(right, top), top), strict=True
        ):
            assert array.shape == expected.shape
            assert_allclose(array, expected, rtol=1e-6, atol=1e-9, err_msg=path)


def fitted(folder, text, steps, **options):
    model = portnn.CharRNN(cell="gru", hidden_size=12, dropout=0.2, seed=3)
    settings = {"batch_size": 5, "seq_length": 8, "evaluate_every": 5, "progress": False, "out": folder, "workers": 2}
    return model.fit(text, steps=steps, **{**settings, **options})


def test_resume_is_exact(tmp_path):
    whole = fitted(tmp_path / "whole", TEXT, 20)
    fitted(tmp_path / "parts", TEXT, 9)
    parts = fitted(tmp_path / "parts", TEXT, 20, resume=True)
    alone = fitted(tmp_path / "alone", TEXT, 20, workers=1)
    for name, array in whole.params.items():
        assert array.tobytes() == parts.params[name].tobytes()
        assert_allclose(array, alone.params[name], atol=1e-4)


def test_a_run_of_any_number_goes_on_with_any_other(tmp_path):
    """The carry is cut anew."""
    for count, steps in ((2, 7), (1, 14), (3, 20)):
        changing = fitted(tmp_path / "changing", TEXT, steps, workers=count, resume=True)
    whole = fitted(tmp_path / "whole", TEXT, 20, workers=1)
    for name, array in whole.params.items():
        assert_allclose(array, changing.params[name], atol=1e-4)


def test_callbacks_are_called_once_and_change_the_parameters_of_all(tmp_path):
    steps = []

    def halve(event):
        steps.append(event.step)
        if event.step % 3 == 0:
            return {name: 0.5 * array for name, array in event.params.items()}
        return None

    together = fitted(tmp_path / "together", TEXT, 12, callbacks=[halve])
    assert steps == list(range(1, 13))
    alone = fitted(tmp_path / "alone", TEXT, 12, callbacks=[halve], workers=1)
    for name, array in together.params.items():
        assert_allclose(array, alone.params[name], atol=1e-5)


def test_patience_ends_all_at_once(tmp_path):
    settings = {"patience": 2, "tolerance": 100.0, "evaluate_every": 2}
    together, alone = (fitted(tmp_path / str(workers), TEXT, 50, workers=workers, **settings) for workers in (2, 1))
    assert together.history.step == alone.history.step < 50


def streams(**wrong):
    """Two streams, of which the second process has the second."""
    ids = np.arange(400) % 5
    ids[-20:] = wrong.get("last", ids[-20:])
    ids[:20] = wrong.get("first", ids[:20])
    return ChunkStreams(ids, batch_size=2, seq_length=10, vocabulary_size=5)


def trained(batches, steps=40, workers=2, params=None, model=None, **options):
    model = model or RecurrentLM(5, "rnn", 4)
    backend = portnn.backend("numpy", dtype="float64")
    params = params or model.init(np.random.default_rng(0))
    return Trainer(model, batches, plan(workers), backend, params, quiet=True, **options).run(steps)


def test_an_error_in_a_worker_is_reported(capfd):
    with pytest.raises(WorkerError, match=r"^a worker process failed: ValueError: id 7 is past the vocabulary"):
        trained(streams(last=7))
    assert "Traceback" in capfd.readouterr().err
    with pytest.raises(ValueError, match=r"^id 7 is past the vocabulary"):
        trained(streams(first=7))
    assert capfd.readouterr().err == ""
    assert trained(streams()).step == 40


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_not_finite_leave_no_warning(capfd):
    """The line that says the run diverged is the only one."""
    model = RecurrentLM(5, "rnn", 4)
    huge = {name: np.where(array < 0.0, -1e308, 1e308) for name, array in model.init(np.random.default_rng(0)).items()}
    with pytest.raises(DivergenceError):
        trained(streams(), params=huge, model=model)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("row", [0, 3, -1])
def test_an_error_in_one_part_ends_others_that_wait_for_its_sums(row):
    case = next(case for case in SHARED if case.model.couples_parts)
    batches = case.batches()
    targets = np.array(batches.rows.targets, object)
    targets[row] = "not a number"
    batches.rows = batches.rows._replace(targets=targets)
    with pytest.raises((WorkerError, TypeError, ValueError, IndexError)):
        trained(batches, model=case.model, workers=2)


def children() -> set[int]:
    return {
        int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()
    }


def test_a_worker_that_is_killed_is_reported():
    before = children()  # such as those that `multiprocessing` keeps

    def kill(event):
        if event.step == 3:
            os.kill(*(children() - before), signal.SIGKILL)

    with pytest.raises(WorkerError, match=r"has ended: exit status -9$"):
        trained(streams(), callbacks=[kill])
    assert children() == before


def test_a_signal_stops_all_and_the_run_is_resumed_exactly(tmp_path):
    def stop(event):
        if event.step == 7:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(portnn.training.Interrupted) as caught:
        fitted(tmp_path / "run", TEXT, 20, callbacks=[stop])
    assert caught.value.signal == signal.SIGTERM
    assert 7 <= caught.value.step <= 8  # the others know a step later
    resumed, whole = fitted(tmp_path / "run", TEXT, 20, resume=True), fitted(tmp_path / "whole", TEXT, 20)
    for name, array in whole.params.items():
        assert array.tobytes() == resumed.params[name].tobytes()


def blas_threads():
    return {library["num_threads"] for library in process._blas().info()}


def test_a_run_within_a_run_has_workers_of_its_own(tmp_path):
    def again(event):
        if event.step == 2:
            inner.append(fitted(tmp_path / "inner", TEXT, 3))

    with threadpoolctl.threadpool_limits(2, "blas"):
        inner = []
        outer = fitted(tmp_path / "outer", TEXT, 3, callbacks=[again])
        assert blas_threads() == {2}
    for name, array in outer.params.items():
        assert array.tobytes() == inner[0].params[name].tobytes()


def test_a_run_has_the_workers_it_was_told(tmp_path):
    counts, before = [], children()

    def count(event):
        counts.append(len(children() - before))

    fitted(tmp_path / "alone", TEXT, 2, workers=1, callbacks=[count])
    fitted(tmp_path / "three", TEXT, 2, workers=3, callbacks=[count])
    assert counts == [0, 0, 2, 2]


def test_tables_in_worker_processes_are_not_those_of_the_caller(rng):
    """A row's gradient is added up over all processes, and each moves its own copy.

    A batch of three rows is cut for three processes, and computed whole by each of four.
    """
    case = next(case for case in SHARED if case.model.row_parameters)
    alone, _ = losses(case, 1, 60)
    for workers in (3, 4):
        together, _ = losses(case, workers, 60)
        assert_allclose(together, alone, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:.*fork.*:RuntimeWarning", "ignore:.*fork.*:DeprecationWarning")  # of threads
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_in_a_pool_of_processes_workers_are_as_many_as_told_and_otherwise_one(method):
    """Processes of such a pool may have no children by `multiprocessing`; and they have the cores among them."""
    text = "the quick brown fox jumps over the lazy dog. " * 30
    settings = {"steps": 3, "batch_size": 16, "seq_length": 8, "progress": False}
    here = portnn.CharRNN(hidden_size=12, seed=3).fit(text, workers=2, **settings)
    with multiprocessing.get_context(method).Pool(1) as pool:
        fit = operator.methodcaller("fit", text, workers=2, **settings)
        there = pool.apply(fit, (portnn.CharRNN(hidden_size=12, seed=3),))
        alone = pool.apply(automatic_workers, (64, 1 << 20, portnn.backend("numpy")))
    assert {name: array.tobytes() for name, array in there.params.items()} == {
        name: array.tobytes() for name, array in here.params.items()
    }
    assert alone == 1
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:  # whose processes may have children
        assert pool.submit(automatic_workers, 64, 1 << 20, portnn.backend("numpy")).result() == 1


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_counts_that_make_no_sense(backend, count):
    with pytest.raises((TypeError, ValueError), match="workers must be a positive whole number"):
        check_workers(count, backend, streams())


def test_other_libraries_have_one(backend):
    other = Backend("torch", backend.xp, backend.device, "float32")
    check_workers(1, other, streams())
    with pytest.raises(ValueError, match="on torch there can be only one, not 2"):
        check_workers(2, other, streams())
    assert automatic_workers(64, 512, other) == 1


def test_more_workers_than_streams(tmp_path):
    model = portnn.CharRNN()
    with pytest.raises(ValueError, match="6 workers cannot share a batch_size of 5"):
        model.fit("abc " * 100, steps=2, batch_size=5, seq_length=8, workers=6, progress=False)
    assert model.params is None  # nothing was changed before all was found good


def test_elsewhere_than_on_linux_there_is_one(backend, monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    assert automatic_workers(64, 512, backend) == 1
    with pytest.raises(ValueError, match="shared memory"):
        check_workers(2, backend, streams())


def test_a_worker_for_every_core_that_has_enough_to_do(backend, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    assert [automatic_workers(rows, 1024, backend) for rows in (1, 15, 16, 31, 64)] == [1, 1, 2, 3, 4]
    assert [automatic_workers(16, width, backend) for width in (64, 128, 256, 384)] == [1, 1, 2, 2]


@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed(tmp_path, closed):
    program = tmp_path / "program.py"
    program.write_text(f"""
import pathlib, portnn
model = portnn.CharRNN(hidden_size=8)
model.fit("to be or not to be " * 30, steps=3, batch_size=4, seq_length=8, workers=2, progress=False)
pathlib.Path({str(tmp_path / "done")!r}).write_text(str(model.history.step))
""")
    subprocess.run(f"{sys.executable} {program} {closed}", shell=True, check=True, timeout=60)
    assert (tmp_path / "done").read_text() == "3"
