"""Local groups: sums, values and ends of processes that share memory."""

from __future__ import annotations

import errno
import functools
import gc
import operator
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl

from portnn import process
from portnn.groups import WorkerError, local_group
from portnn.groups.local import SCRATCH
from portnn.groups.shared_arrays import share, shared
from portnn.text import WordVocabulary, count_words, encode_words

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers share memory as Linux does"),
]

WORK = """
import os, time
import numpy as np

def values(entries, dtype, rank):
    return (np.random.default_rng((entries, rank)).normal(size=entries) * 100.0).astype(dtype)

def sums(sizes, dtype, group):
    found = []
    for entries in sizes:
        for vector in (group.empty(entries, dtype), np.empty(entries, dtype)):
            vector[...] = values(entries, dtype, group.rank)
            group.sum_in_place(vector)
            found.append(vector.copy())
    return group.gather([array.tobytes() for array in found])

def fails(rank, group):
    if group.rank == rank:
        raise KeyError("planted")
    group.gather(None)

def ends(rank, status, group):
    if group.rank == rank:
        os._exit(status)
    group.gather(None)

def sleeps(group):
    time.sleep(60.0)

class Unknown:
    def __call__(self, group):
        pass
"""


@pytest.fixture
def before():
    """Processes that other tests have left, such as those that `multiprocessing` keeps."""
    return children()


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A module that the other processes can import, too."""
    (tmp_path / "portnn_test_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    import portnn_test_work

    yield portnn_test_work
    del sys.modules["portnn_test_work"]


def children() -> set[int]:
    return {
        int(child) for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()
    }


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("size", [2, 3])
def test_sums_are_the_same_bits_in_all(work, size, dtype):
    """In shared memory and not, of one piece and of several, and as if one process had added them up in their order."""
    sizes = (1, 7, 1000, SCRATCH // 4 + 3)
    with local_group(size, 5000, functools.partial(work.sums, sizes, dtype)) as group:
        found = work.sums(sizes, dtype, group)
    assert found[1:] == found[:-1]
    right = [
        functools.reduce(operator.add, (work.values(entries, dtype, rank) for rank in range(size))).tobytes()
        for entries in sizes
        for _ in range(2)
    ]
    assert found[0] == right


def test_values_of_all_and_of_the_first():
    big = "x" * (1 << 20)  # more than a socket holds
    with local_group(3, 8, operator.methodcaller("gather", big)) as group:
        assert group.gather("mine") == ["mine", big, big]
    with local_group(3, 8, operator.methodcaller("broadcast", None)) as group:
        assert group.broadcast((1, big)) == (1, big)


@pytest.mark.parametrize("rank", [1, 2])
def test_what_has_failed_says_why(work, rank, capfd):
    with (
        pytest.raises(WorkerError, match=r"a worker process failed: KeyError: 'planted'$"),
        local_group(3, 8, functools.partial(work.fails, rank)) as group,
    ):
        group.gather(None)
    assert "Traceback" in capfd.readouterr().err


@pytest.mark.parametrize("rank", [1, 2])
@pytest.mark.parametrize("status", [3, 0])
def test_what_has_ended_is_told(work, rank, status):
    with (
        pytest.raises(WorkerError, match=f"a worker process has ended: exit status {status}$"),
        local_group(3, 8, functools.partial(work.ends, rank, status)) as group,
    ):
        group.gather(None)


def test_processes_that_do_not_do_the_same_are_told(work):
    with (
        pytest.raises(WorkerError, match=r"processes [01] and [01] are out of step"),
        local_group(2, 8, operator.methodcaller("gather", None)) as group,
    ):
        group.sum_in_place(np.zeros(3))


def test_what_is_killed_is_told(work, before):
    with (
        pytest.raises(WorkerError, match=r"has ended: exit status -9$"),
        local_group(2, 8, work.sleeps) as group,
    ):
        group.gather(os.kill(*(children() - before), signal.SIGKILL))


def test_an_error_here_ends_the_others_at_once(work, before):
    begin = time.monotonic()
    with pytest.raises(ZeroDivisionError), local_group(3, 8, work.sleeps):
        raise ZeroDivisionError
    assert time.monotonic() - begin < 20.0
    assert children() == before


def test_no_process_and_no_file_is_left(before):
    descriptors = len(os.listdir("/proc/self/fd"))
    with local_group(3, 8, operator.methodcaller("gather", None)) as group:
        started = children() - before
        assert len(started) == 2
        assert all(os.getpgid(child) == child for child in started)  # so Ctrl-C does not reach them
        group.gather(None)
    del group
    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_signals_are_left_to_the_first_process(before):
    with local_group(2, 8, operator.methodcaller("gather", None)) as group:
        for number in (signal.SIGTERM, signal.SIGINT):
            os.kill(*(children() - before), number)
        assert group.gather(None) == [None, None]


def blas_threads():
    return {library["num_threads"] for library in process._blas().info()}


@pytest.mark.parametrize("order", ["one", "threads"])
def test_one_thread_each_while_they_work(order):
    def work(_=None):
        with local_group(2, 8, operator.methodcaller("gather", None)) as group:
            group.gather(None)
            return blas_threads()

    with threadpoolctl.threadpool_limits(2, "blas"):
        if order == "one":
            assert work() == {1}
        else:
            with ThreadPoolExecutor(3) as threads:
                assert list(threads.map(work, range(6))) == [{1}] * 6
        assert blas_threads() == {2}


@pytest.mark.parametrize("failing", ["memfd_create", "ftruncate", "open"])
def test_what_cannot_start_leaves_nothing(monkeypatch, failing):
    def fail(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    descriptors = len(os.listdir("/proc/self/fd"))
    with threadpoolctl.threadpool_limits(2, "blas"), monkeypatch.context() as broken:
        broken.setattr(os, failing, fail)
        with (
            pytest.raises(OSError, match="Too many open files") as caught,
            local_group(2, 8, operator.methodcaller("gather", None)),
        ):
            pass
        assert blas_threads() == {2}
        assert caught.value.errno == errno.EMFILE
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_work_that_no_other_process_can_have(work):
    with (
        pytest.raises(WorkerError, match=r"a worker process cannot be given its work: .*lambda"),
        local_group(2, 8, lambda group: None),
    ):
        pass


def test_work_that_no_other_process_can_import(work, monkeypatch):
    monkeypatch.setattr(work.Unknown, "__module__", "no_such_module")
    monkeypatch.setitem(sys.modules, "no_such_module", work)
    with (
        pytest.raises(WorkerError, match="it cannot import its work: No module named 'no_such_module'"),
        local_group(2, 8, work.Unknown()),
    ):
        pass


def test_processes_import_what_this_one_would(tmp_path, monkeypatch):
    """A file of the current folder hides no module, and a path with a colon is one path."""
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not this one')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["a:b", *sys.path])
    with local_group(2, 8, operator.methodcaller("gather", 1)) as group:
        assert group.gather(0) == [0, 1]


PROGRAM = """
import operator, os, pathlib, signal, sys, time
from portnn.groups import local_group

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts with "&"
    with local_group(3, 8, operator.methodcaller("gather", None)) as group:
        children = [c for t in pathlib.Path("/proc/self/task").iterdir() for c in (t / "children").read_text().split()]
        fork = os.fork() if "fork" in sys.argv else 1
        if fork == 0:
            time.sleep(60)
            os._exit(0)
        print(fork, *children, flush=True)
        time.sleep(60)
"""


@pytest.mark.parametrize(("number", "argument"), [(signal.SIGKILL, ""), (signal.SIGINT, ""), (signal.SIGKILL, "fork")])
def test_processes_end_with_the_one_that_started_them(number, argument):
    """Even if a fork of it lives on: that holds the other end of their connections, so they never see it close."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", PROGRAM, argument], **options) as program:
        fork, *workers = map(int, program.stdout.readline().split())
        try:
            time.sleep(1.2 if argument else 0.0)  # longer than between two looks at the parent
            assert all(map(alive, workers))
            program.send_signal(number)
            program.wait()
            deadline = time.monotonic() + 20.0
            while any(map(alive, workers)):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            if argument:
                os.kill(fork, signal.SIGKILL)


def alive(process: int) -> bool:
    """Whether it still runs: one that has ended may wait for someone to ask for its exit status."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_arrays_are_shared_and_files_are_mapped_again(tmp_path):
    """A part of a mapped array, too; what is written stays here."""
    path = tmp_path / "numbers.npy"
    np.save(path, np.arange(10_000, dtype=np.uint16))
    mapped = np.load(path, mmap_mode="r")
    given = {
        "mapped": mapped[5:9_000],
        "table": np.asarray(mapped)[2_000:4_000].reshape(20, 100),
        "same": np.arange(5_000.0),
        "odd": np.arange(12).reshape(3, 4).T,
        "none": np.empty(0),
    }
    memory = os.memfd_create("test")
    try:
        pickled = share(given, memory)
        assert len(pickled.pickled) < 2_000
        assert os.fstat(memory).st_size < 50_000
        found = shared(pickled, memory)
        for name, array in given.items():
            assert found[name].dtype == array.dtype
            assert np.array_equal(found[name], array), name
        assert isinstance(found["mapped"], np.memmap)
        assert isinstance(found["table"], np.memmap)
        found["same"][0] = 7.0
        assert given["same"][0] == shared(pickled, memory)["same"][0] == 0.0
    finally:
        os.close(memory)


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of open files")
def test_ids_in_an_unnamed_file_are_mapped_again_and_the_file_ends_with_them(tmp_path):
    counts = count_words("a b a b a\n" * 500)
    ids = encode_words("a b a b a\n" * 500, WordVocabulary.from_counts(counts, 1), memory_limit=99, cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []
    memory = os.memfd_create("test")
    value = share({"part": ids.ids[3:1000], "whole": ids.ids}, memory)
    assert os.fstat(memory).st_size < 99
    script = "import pickle, sys, portnn.groups.shared_arrays; print(pickle.load(sys.stdin.buffer)['part'].sum())"
    found = subprocess.run([sys.executable, "-c", script], input=value.pickled, capture_output=True, check=True)
    assert int(found.stdout) == int(ids.ids[3:1000].sum())
    file = ids.ids.filename
    del ids
    gc.collect()
    assert not os.path.exists(file)
    os.close(memory)
