from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import threadpoolctl

from portnn import process
from portnn.datasets import python_documentation

pytestmark = pytest.mark.host


@pytest.fixture
def record(monkeypatch):
    """A record of tuning of this test's own, no program that is replaced, and a clean environment."""
    monkeypatch.setattr(
        process, "_done", process.Tuning(keeps_freed_memory=False, blas_kernels_overridden=None, note="")
    )
    monkeypatch.delenv(process.SWITCH, raising=False)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    started = []
    monkeypatch.setattr(os, "execv", lambda *arguments: started.append(arguments))
    monkeypatch.setattr(process, "keep_freed_memory", lambda: process._done.update(keeps_freed_memory=True))
    return started


def test_it_can_be_left_alone(record, monkeypatch) -> None:
    monkeypatch.setenv("PORTNN_TUNE", "0")
    tuned = process.tune_process()
    assert not tuned["keeps_freed_memory"]
    assert "PORTNN_TUNE=0" in tuned["note"]
    assert record == []


def test_the_program_starts_over_once_where_other_kernels_are_better(record, monkeypatch) -> None:
    monkeypatch.setattr(process, "better_kernels", lambda: "SkylakeX")
    process.tune_process()
    assert record == [(sys.executable, [sys.executable, *sys.orig_argv[1:]])]
    assert os.environ["OPENBLAS_CORETYPE"] == "SkylakeX"
    monkeypatch.setattr(process, "better_kernels", lambda: None)  # as in the program started over
    assert process.tune_process()["blas_kernels_overridden"] == "SkylakeX"
    assert process.tuning()["keeps_freed_memory"]
    assert len(record) == 1
    monkeypatch.delenv("OPENBLAS_CORETYPE")


def test_kernels_that_fit_are_kept(record, monkeypatch) -> None:
    monkeypatch.setattr(process, "better_kernels", lambda: None)
    assert process.tune_process()["blas_kernels_overridden"] is None
    assert record == []


@pytest.mark.parametrize(
    ("avx512", "chosen", "stated", "wanted"),
    [
        (True, "Haswell", None, "SkylakeX"),
        (True, "Zen", None, "SkylakeX"),
        (True, "SkylakeX", None, None),
        (False, "Haswell", None, None),
        (True, "Haswell", "Haswell", None),
        (True, None, None, None),
    ],
)
def test_which_kernels_are_better(monkeypatch, avx512, chosen, stated, wanted) -> None:
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    if stated:
        monkeypatch.setenv("OPENBLAS_CORETYPE", stated)
    monkeypatch.setattr(process, "has_avx512", lambda: avx512)
    monkeypatch.setattr(process, "blas_libraries", lambda: [{"architecture": chosen}])
    assert process.better_kernels() == wanted


def test_what_the_processor_says(monkeypatch) -> None:
    needed = "avx512f avx512dq avx512bw avx512vl avx512cd"
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"flags\t\t: fpu {needed} sse2\n")
    assert process.has_avx512()
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "flags\t\t: fpu avx512f avx2\n")
    assert not process.has_avx512()

    def absent(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", absent)
    assert not process.has_avx512()


def test_only_glibc_is_told_to_keep_memory(monkeypatch) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert process.keep_freed_memory() is False


def test_the_libraries_of_this_process() -> None:
    assert any(library["internal_api"] for library in process.blas_libraries())


CHILD = """
import sys
import portnn, portnn.process
assert not {"numpy", "torch", "jax", "cupy", "typer"} & set(sys.modules), "importing portnn imports too much"
kept = portnn.process.keep_freed_memory()
assert kept is (sys.platform == "linux" and __import__("platform").libc_ver()[0] == "glibc")
import numpy as np
for _ in range(50):
    assert float(np.ones(1 << 21).sum()) == 1 << 21
from portnn.cli import main
sys.argv = ["portnn", "--version"]
try:
    main()
finally:
    print(portnn.process.tuning()["note"])
"""


def test_a_tuned_process_works_as_before() -> None:
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1", "PORTNN_TUNE": "0"}
    done = subprocess.run([sys.executable, "-c", CHILD], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "left alone, since PORTNN_TUNE=0" in done.stdout


def test_the_documentation_is_a_corpus() -> None:
    text = python_documentation()
    assert len(text) > 300_000
    assert text == python_documentation()


def test_a_python_without_its_documentation(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(RuntimeError, match=r"lacks pydoc_data\.topics; give a text file instead"):
        python_documentation()


def blas_threads():
    """Threads of NumPy's BLAS; a library that was imported later may have brought another."""
    return {library["num_threads"] for library in process._blas().info()}


def test_one_blas_thread_until_the_last_context_ends():
    before = blas_threads()
    with threadpoolctl.threadpool_limits(2, "blas"):
        first, second = process.one_blas_thread(), process.one_blas_thread()
        first.__enter__()
        assert blas_threads() == {1}
        second.__enter__()
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == {2}
    assert blas_threads() == before


def test_threads_may_end_what_others_began():
    """In any order: first in, first out; and the thread that began may still run, or have ended, when the last ends."""
    with threadpoolctl.threadpool_limits(2, "blas"), ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        for first, second in ((one, other), (one, None), (None, one), (other, other)):
            contexts = process.one_blas_thread(), process.one_blas_thread()
            threads = [
                (lambda call, *given: call(*given))
                if pool is None
                else (lambda call, *given, pool=pool: pool.submit(call, *given).result())
                for pool in (first, second)
            ]
            for call, context in zip(threads, contexts, strict=True):
                call(context.__enter__)
                assert blas_threads() == {1}
            threads[0](contexts[0].__exit__, None, None, None)
            assert blas_threads() == {1}
            threads[1](contexts[1].__exit__, None, None, None)
            assert blas_threads() == {2}


def test_afterwards_everyone_else_can_set_blas_threads():
    with ThreadPoolExecutor(1) as pool:
        for call in (lambda function: function(), lambda function: pool.submit(function).result()):
            assert narrowed() == {1}
            assert call(limited_to_two) == {2}
            assert pool.submit(narrowed).result() == {1}
            assert call(limited_to_two) == {2}


def narrowed():
    with process.one_blas_thread():
        return blas_threads()


def limited_to_two():
    with threadpoolctl.threadpool_limits(2, "blas"):
        return blas_threads()


def test_one_blas_thread_ends_with_an_error():
    with threadpoolctl.threadpool_limits(2, "blas"):
        with pytest.raises(ZeroDivisionError), process.one_blas_thread():
            _ = 1 / 0
        assert blas_threads() == {2}
