"""Workers: a batch in parts gives what the whole gives, and no process is left behind."""

from __future__ import annotations

import errno
import multiprocessing
import operator
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
import threadpoolctl
from numpy.testing import assert_allclose

import portnn
from portnn import process
from portnn.backends import Backend, keep_mask, tree_flatten, tree_map
from portnn.models import FeedForward, ImageClassifier, LanguageBatch, RecurrentLM, RowBatch
from portnn.training import WorkerError, Workers, automatic_workers, check_workers, pack, worker_group
from portnn.training.packing import packed_shapes

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers share memory as Linux does"),
]

VOCABULARY, TIME, BATCH, HIDDEN = 7, 4, 5, 6


@pytest.fixture
def model():
    return RecurrentLM(VOCABULARY, "lstm", HIDDEN, num_layers=2, dropout=0.3)


@pytest.fixture
def params(model, rng):
    return model.init(rng)


@pytest.fixture
def batch(model, rng):
    ids = rng.integers(0, VOCABULARY, (2, TIME, BATCH))
    return LanguageBatch(*ids, tuple(keep_mask(rng, (TIME, BATCH, HIDDEN), 0.3) for _ in range(2)))


@pytest.fixture
def carry(model, rng):
    return tuple(tuple(rng.normal(size=state.shape) for state in layer) for layer in model.initial_carry(BATCH))


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_parts_together_are_the_whole(backend, model, params, batch, carry, rng, count, weighted):
    if weighted:
        batch = batch._replace(weights=rng.integers(0, 2, (TIME, BATCH)).astype(np.float64))
    loss, after, cache = model.loss(params, batch, carry, xp=np)
    gradient = pack(model.gradients(cache, xp=np), model.shapes(), xp=np)
    with Workers(model, backend, count) as workers:
        for _ in range(2):
            found = workers(params, batch, carry)
            assert_allclose(found[0], loss, rtol=1e-13)
            assert_allclose(found[2], gradient, rtol=1e-11, atol=1e-15)
            for (path, array), (_, expected) in zip(tree_flatten(found[1], "c"), tree_flatten(after, "c"), strict=True):
                assert_allclose(array, expected, rtol=1e-12, atol=1e-15, err_msg=path)


def test_every_worker_sees_new_parameters(backend, model, params, batch, carry):
    with Workers(model, backend, 2) as workers:
        workers(params, batch, carry)
        doubled = {name: 2.0 * array for name, array in params.items()}
        loss, *_ = workers(doubled, batch, carry)
    assert_allclose(loss, model.loss(doubled, batch, carry, xp=np)[0], rtol=1e-13)


def fitted(folder, text, steps, **options):
    model = portnn.CharRNN(cell="gru", hidden_size=12, dropout=0.2, seed=3)
    settings = {"batch_size": 5, "seq_length": 8, "evaluate_every": 5, "progress": False, "out": folder, "workers": 2}
    return model.fit(text, steps=steps, **{**settings, **options})


def test_resume_is_exact(tmp_path):
    text = "the quick brown fox jumps over the lazy dog. " * 30
    whole = fitted(tmp_path / "whole", text, 20)
    fitted(tmp_path / "parts", text, 9)
    parts = fitted(tmp_path / "parts", text, 20, resume=True)
    alone = fitted(tmp_path / "alone", text, 20, workers=1)
    for name, array in whole.params.items():
        assert array.tobytes() == parts.params[name].tobytes()
        assert_allclose(array, alone.params[name], atol=1e-4)


def test_an_error_in_a_worker_is_reported(backend, model, params, batch, carry, capfd):
    batch.inputs[0, -1] = VOCABULARY
    with Workers(model, backend, 2) as workers, pytest.raises(WorkerError, match="failed: IndexError"):
        workers(params, batch, carry)
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_not_finite_leave_no_warning(backend, model, params, batch, carry, capfd):
    """The line that says the run diverged is the only one."""
    huge = {name: np.where(array < 0.0, -1e308, 1e308) for name, array in params.items()}
    with Workers(model, backend, 3) as workers, np.errstate(all="ignore"):
        found = workers(huge, batch, carry)
        assert not (np.isfinite(found.loss) and np.all(np.isfinite(found.gradient)))
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def coupled():
    """A model whose parts need sums over all of them, and a batch of five pictures."""
    rng = np.random.default_rng(1)
    model = ImageClassifier(image_shape=(4, 4, 1), channels=(2, 3), outputs=2, batch_norm=True)
    return model, model.init(rng), RowBatch(rng.random((5, 4, 4, 1)), np.asarray([0, 1, 0, 1, 1]))


@pytest.mark.parametrize("count", [2, 3, 5])
def test_parts_that_need_one_another_are_the_whole(backend, coupled, count):
    model, params, batch = coupled
    with Workers(model, backend, count) as workers:
        for some in (batch, tree_map(lambda array: array[:1, ...], batch)):  # one picture is one part
            loss, _, cache = model.loss(params, some, (), xp=np)
            gradient = pack(model.gradients(cache, xp=np), packed_shapes(model), xp=np)
            shared = workers.sharing(params)
            for _ in range(2):
                found = workers(shared, some, ())
                assert_allclose(found.loss, loss, rtol=1e-12)
                assert_allclose(found.gradient, gradient, rtol=1e-9, atol=1e-14)
                for name, array in model.measured(params, cache, xp=np).items():
                    assert_allclose(found.measured[name], array, rtol=1e-12)


@pytest.mark.parametrize("row", [0, 2, -1])
@pytest.mark.parametrize("field", ["x", "targets"])
def test_an_error_in_one_part_abandons_the_others(backend, coupled, row, field, capfd):
    """Before the first sum, and between the last of the loss and the first of the gradients."""
    model, params, batch = coupled
    bad = batch._replace(**{field: getattr(batch, field).astype(object)})
    getattr(bad, field)[row] = "not a number"
    with Workers(model, backend, 3) as workers:
        shared = workers.sharing(params)
        for _ in range(2):
            with pytest.raises((WorkerError, TypeError, ValueError, IndexError)):
                workers(shared, bad, ())
            assert_allclose(workers(shared, batch, ()).loss, model.loss(params, batch, (), xp=np)[0], rtol=1e-12)
    assert "Abandoned" not in capfd.readouterr().err


def test_a_worker_that_is_killed_between_sums_is_reported(backend, coupled, monkeypatch):
    model, params, batch = coupled
    with Workers(model, backend, 3) as workers:
        shared = workers.sharing(params)

        def killed_before_its_sum(process, connection, receive=worker_group.received):
            process.kill()
            process.wait()
            return receive(process, connection)

        monkeypatch.setattr(worker_group, "received", killed_before_its_sum)
        with pytest.raises(WorkerError, match="has ended: exit status -9"):
            workers(shared, batch, ())


@pytest.mark.parametrize("stream", [0, -1])
def test_an_error_leaves_no_answer_for_the_next_batch(backend, model, params, batch, carry, stream):
    bad = batch._replace(inputs=batch.inputs.copy())
    bad.inputs[0, stream] = VOCABULARY
    with Workers(model, backend, 3) as workers:
        with pytest.raises((WorkerError, IndexError)):
            workers(params, bad, carry)
        assert_allclose(workers(params, batch, carry)[0], model.loss(params, batch, carry, xp=np)[0], rtol=1e-13)


def test_a_worker_leaves_signals_to_the_process_that_started_it(backend, model, params, batch, carry):
    with Workers(model, backend, 2) as workers:
        workers(params, batch, carry)
        for number in (signal.SIGTERM, signal.SIGINT):
            workers._processes[0][0].send_signal(number)
        workers(params, batch, carry)


def test_a_worker_that_is_killed_is_reported(backend, model, params, batch, carry):
    with Workers(model, backend, 2) as workers:
        workers(params, batch, carry)
        process = workers._processes[0][0]
        process.kill()
        process.wait()
        with pytest.raises(WorkerError, match="has ended: exit status -9"):
            workers(params, batch, carry)


def test_no_process_and_no_file_is_left(backend, model, params, batch, carry):
    descriptors = len(os.listdir("/proc/self/fd"))
    with Workers(model, backend, 3) as workers:
        workers(params, batch, carry)
        processes = [process for process, _ in workers._processes]
        assert all(os.getpgid(process.pid) == process.pid for process in processes)  # so Ctrl-C does not reach them
    assert [process.returncode for process in processes] == [0, 0]
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_one_thread_each_while_they_work(backend, model):
    with threadpoolctl.threadpool_limits(2, "blas"):
        with Workers(model, backend, 2):
            assert blas_threads() == {1}
        assert blas_threads() == {2}


def blas_threads():
    return {library["num_threads"] for library in process._blas().info()}


@pytest.mark.parametrize("order", ["first in, first out", "last in, first out", "threads", "closed twice"])
def test_blas_has_its_threads_back_when_the_last_workers_end(backend, model, order):
    def work(_=None):
        with Workers(model, backend, 2):
            return blas_threads()

    with threadpoolctl.threadpool_limits(2, "blas"):
        if order == "threads":
            with ThreadPoolExecutor(3) as threads:
                assert list(threads.map(work, range(6))) == [{1}] * 6
        else:
            several = [Workers(model, backend, 2), Workers(model, backend, 2)]
            for workers in several[::-1] if order == "last in, first out" else list(several):
                assert blas_threads() == {1}
                workers.close()
                if order == "closed twice":
                    workers.close()
        assert blas_threads() == {2}
        assert work() == {1}
        assert blas_threads() == {2}


@pytest.mark.parametrize("failing", ["memfd_create", "ftruncate", "open"])
def test_workers_that_cannot_start_leave_nothing(backend, model, monkeypatch, failing):
    def fail(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    descriptors = len(os.listdir("/proc/self/fd"))
    with threadpoolctl.threadpool_limits(2, "blas"), monkeypatch.context() as broken:
        broken.setattr(os, failing, fail)
        with pytest.raises(OSError, match="Too many open files") as caught:
            Workers(model, backend, 2)
        assert blas_threads() == {2}
        assert caught.value.errno == errno.EMFILE
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_run_within_a_run_has_workers_of_its_own(tmp_path):
    text = "the quick brown fox jumps over the lazy dog. " * 30

    def again(event):
        if event.step == 2:
            inner.append(fitted(tmp_path / "inner", text, 3))

    with threadpoolctl.threadpool_limits(2, "blas"):
        inner = []
        outer = fitted(tmp_path / "outer", text, 3, callbacks=[again])
        assert blas_threads() == {2}
    for name, array in outer.params.items():
        assert array.tobytes() == inner[0].params[name].tobytes()


def test_a_worker_imports_what_this_process_would(backend, model, params, batch, carry, tmp_path, monkeypatch):
    """A file of the current folder hides no module, and a path with a colon is one path."""
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["a:b", *sys.path])
    with Workers(model, backend, 2) as workers:
        assert_allclose(workers(params, batch, carry)[0], model.loss(params, batch, carry, xp=np)[0], rtol=1e-13)


def test_a_run_has_the_workers_it_was_told(tmp_path, monkeypatch):
    counts = []

    class Counted(Workers):
        def __call__(self, *arguments):
            counts.append(1 + len(self._processes))
            return super().__call__(*arguments)

    monkeypatch.setattr("portnn.training.loop.Workers", Counted)
    fitted(tmp_path / "alone", "abc " * 100, 2, workers=1)
    assert counts == []
    fitted(tmp_path / "three", "abc " * 100, 2, workers=3)
    assert counts == [3, 3]


PROGRAM = """
import signal, time
import portnn
from portnn.models import RecurrentLM
from portnn.training import Workers

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts with "&"
    workers = Workers(RecurrentLM(5), portnn.backend("numpy"), 2)
    print(workers._processes[0][0].pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_the_process_that_started_them(number):
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with program:
        worker = int(program.stdout.readline())
        os.kill(worker, 0)
        program.send_signal(number)
        program.wait()
    deadline = time.monotonic() + 20.0
    while alive(worker):
        assert time.monotonic() < deadline
        time.sleep(0.02)


FORKED = """
import os, time
import portnn
from portnn.models import RecurrentLM
from portnn.training import Workers

if __name__ == "__main__":
    workers = Workers(RecurrentLM(5), portnn.backend("numpy"), 3)
    fork = os.fork()
    if fork == 0:
        time.sleep(60)
        os._exit(0)
    print(fork, *(process.pid for process, _ in workers._processes), flush=True)
    time.sleep(60)
"""


def test_workers_end_with_the_process_that_started_them_though_a_fork_of_it_lives_on():
    """The fork holds the other end of their connections, so they never see it close."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", FORKED], **options) as program:
        fork, *workers = map(int, program.stdout.readline().split())
        try:
            time.sleep(1.2)  # longer than between two looks at the parent
            assert all(map(alive, (fork, *workers)))
            program.kill()
            program.wait()
            deadline = time.monotonic() + 20.0
            while any(map(alive, workers)):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert alive(fork)
        finally:
            os.kill(fork, signal.SIGKILL)


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


def alive(process: int) -> bool:
    """Whether it still runs: one that has ended may wait for someone to ask for its exit status."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_counts_that_make_no_sense(backend, count):
    with pytest.raises((TypeError, ValueError), match="workers must be a positive whole number"):
        check_workers(count, backend, 16, FeedForward((2, 2)))


def test_other_libraries_have_one(backend):
    other = Backend("torch", backend.xp, backend.device, "float32")
    check_workers(1, other, 16, FeedForward((2, 2)))
    with pytest.raises(ValueError, match="on torch there can be only one, not 2"):
        check_workers(2, other, 16, FeedForward((2, 2)))
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
        check_workers(2, backend, 16, FeedForward((2, 2)))


def test_a_worker_for_every_core_that_has_enough_to_do(backend, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
    assert [automatic_workers(rows, 1024, backend) for rows in (1, 15, 16, 31, 64)] == [1, 1, 2, 3, 4]
    assert [automatic_workers(16, width, backend) for width in (64, 128, 256, 384)] == [1, 1, 2, 2]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
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


def test_what_a_worker_says_goes_nowhere_near_the_parameters(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(f"""
import os, pathlib, portnn
from portnn.models import RecurrentLM
from portnn.training import Workers
with Workers(RecurrentLM(5), portnn.backend("numpy"), 2) as workers:
    said = os.readlink(f"/proc/{{workers._processes[0][0].pid}}/fd/2")
pathlib.Path({str(tmp_path / "said")!r}).write_text(said)
""")
    subprocess.run(f"{sys.executable} {program} 2>&-", shell=True, check=True, timeout=60)
    assert (tmp_path / "said").read_text() == "/dev/null"


class Foreign(RecurrentLM):
    """A model of a module that no other process can import."""


def test_a_model_that_cannot_be_imported(backend, monkeypatch):
    foreign = Foreign(VOCABULARY)
    monkeypatch.setattr(Foreign, "__module__", "no_such_module")
    monkeypatch.setitem(sys.modules, "no_such_module", sys.modules[__name__])
    with pytest.raises(WorkerError, match="cannot import the model: No module named 'no_such_module'"):
        Workers(foreign, backend, 2)
