"""Tuning of a whole process for NumPy: memory that is kept, and the BLAS kernels that fit the processor.

Importing portnn changes nothing; the command line calls `tune_process` for itself, and others may.
Only the standard library is imported here, since all of this comes before NumPy.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

SWITCH = "PORTNN_TUNE"
"""Environment variable; "0" leaves the process as it is."""

AVX2_KERNELS = {"Haswell", "Zen"}
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEEP = 1 << 30


class Tuning(TypedDict):
    """What was done to the process, or why not; plain JSON types."""

    keeps_freed_memory: bool
    blas_kernels_overridden: str | None
    note: str


_done = Tuning(keeps_freed_memory=False, blas_kernels_overridden=None, note="not tuned (this is not a portnn command)")


def tuning() -> Tuning:
    """What `tune_process` has done in this process."""
    return _done


def tune_process() -> Tuning:
    """Keep freed memory, and start over with AVX-512 kernels where OpenBLAS chose AVX2 ones on an AVX-512 processor.

    Call it first thing in a program: the second part restarts the running program, once. Linux only;
    PORTNN_TUNE=0 turns both off.
    """
    if os.environ.get(SWITCH) == "0":
        _done["note"] = f"left alone, since {SWITCH}=0"
        return _done
    keep_freed_memory()
    _done["note"] = f"{SWITCH}=0 leaves the process alone"
    wanted = better_kernels()
    if wanted is not None and sys.orig_argv:
        os.environ["OPENBLAS_CORETYPE"] = wanted
        os.environ[SWITCH] = f"kernels:{wanted}"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    if os.environ.get(SWITCH, "").startswith("kernels:"):
        _done["blas_kernels_overridden"] = os.environ[SWITCH].partition(":")[2]
    return _done


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed blocks instead of handing them back to the kernel, which pages each in anew.

    Every temporary array of a training step is such a block. Returns whether it was done (glibc only).
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        kept = libc.mallopt(M_MMAP_THRESHOLD, KEEP) and libc.mallopt(M_TRIM_THRESHOLD, 2 * KEEP - 1)
        _done["keeps_freed_memory"] = bool(kept)
    return _done["keeps_freed_memory"]


def better_kernels() -> str | None:
    """Name of the OpenBLAS kernels to override with, or None where its own choice is good."""
    if "OPENBLAS_CORETYPE" in os.environ or not has_avx512():
        return None
    chosen = {library.get("architecture") for library in blas_libraries()}
    return "SkylakeX" if chosen & AVX2_KERNELS else None


def has_avx512() -> bool:
    """Whether the processor has the AVX-512 instructions that OpenBLAS's SkylakeX kernels use (Linux)."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return False
    return {"avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"} <= flags


def available_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run matrix products in one thread until the last open context in the process ends.

    Small products are over before another thread has woken up, and where another process wants a core, waiting for
    that thread can take ten times as long as the product.
    """
    with _one_thread["lock"]:
        _one_thread["open"] += 1
        if _one_thread["open"] == 1:
            with _blas_set_by_any_thread():
                _one_thread["limit"] = _blas().limit(limits=1)
    try:
        yield
    finally:
        with _one_thread["lock"]:
            _one_thread["open"] -= 1
            if _one_thread["open"] == 0:
                with _blas_set_by_any_thread():
                    _one_thread["limit"].restore_original_limits()


def few_blas_threads(count: int) -> contextlib.AbstractContextManager[Any]:
    """Run matrix products in so many threads, until the context ends."""
    return one_blas_thread() if count == 1 else _blas().limit(limits=count)


_one_thread: dict[str, Any] = {"lock": threading.Lock(), "open": 0, "limit": None}


@contextlib.contextmanager
def _blas_set_by_any_thread() -> Iterator[None]:
    """Let this thread set OpenBLAS's threads, and afterwards every other.

    threadpoolctl takes such a wish from a single Python thread until that has ended, and ignores those of all others;
    but whoever ends the last context need not be the thread that began the first.
    """
    owners = {type(library) for library in _blas().lib_controllers if hasattr(library, "clear_controlling_thread")}
    for owner in owners:
        owner.clear_controlling_thread(force=True)
    try:
        yield
    finally:
        for owner in owners:
            owner.clear_controlling_thread(force=True)


@functools.cache
def _blas() -> Any:
    """NumPy's BLAS, looked for once: that takes a millisecond."""
    import numpy as np
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    return threadpoolctl.ThreadpoolController().select(user_api="blas")


def blas_libraries() -> list[dict[str, Any]]:
    """BLAS libraries of this process with kernels and threads, NumPy's included."""
    import numpy as np
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    keys = ("internal_api", "version", "architecture", "num_threads", "threading_layer")
    return [
        {key: library.get(key) for key in keys}
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    ]
