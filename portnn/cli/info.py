"""`portnn info`: what this machine has."""

from __future__ import annotations

import importlib.util
import platform
import sys
from typing import Annotated, Any

import typer

from portnn import __version__
from portnn.backends import BackendStatus, backends
from portnn.cli.mpi_status import described, mpi_status
from portnn.cli.options import Json, print_json
from portnn.process import Tuning, available_cpus, blas_libraries, has_avx512, tuning
from portnn.text.cache_folder import CacheUse, cache_limit, cache_use, clear_cache


def info(
    clear: Annotated[bool, typer.Option("--clear-cache", help="Remove the encoded corpora from the cache.")] = False,
    as_json: Json = False,
) -> None:
    """Show array libraries, devices, BLAS kernels, threads, the cache, and hints that make training faster.

    Example: portnn info --json
    """
    if clear:
        removed = clear_cache()
        if as_json:
            print_json({"removed": {**removed._asdict(), "folder": str(removed.folder)}})
        else:
            print(f"removed  {size(removed)} from {removed.folder}")
        return
    facts: dict[str, Any] = {
        "portnn": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": available_cpus(),
        "avx512": has_avx512(),
        "blas": blas_libraries(),
        "tuning": tuning(),
        "backends": backends(),
        "mpi": mpi_status(),
    }
    use, limit = cache_use(), cache_limit()
    facts["cache"] = {**use._asdict(), "folder": str(use.folder), "limit": limit}
    facts["hints"] = hints(facts["blas"], facts["tuning"], facts["cpus"])
    if as_json:
        print_json(facts)
        return
    print(f"portnn {facts['portnn']}, Python {facts['python']}, {facts['platform']}, {facts['cpus']} CPUs")
    for library in facts["blas"]:
        print(
            f"BLAS     {library['internal_api']} {library['version']}, {library['architecture']} kernels, "
            f"{library['num_threads']} threads"
        )
    kept = "kept" if facts["tuning"]["keeps_freed_memory"] else "handed back"
    kernels = facts["tuning"]["blas_kernels_overridden"] or "as the BLAS chose"
    print(f"process  freed memory {kept}; kernels {kernels}; {facts['tuning']['note']}")
    clearing = "; portnn info --clear-cache removes them" if use.corpora else ""
    print(f"cache    {use.folder}: {size(use)}, at most {in_units(limit)} (PORTNN_CACHE_SIZE){clearing}")
    print(f"mpi      {described(facts['mpi'])}")
    print("backends")
    for status in facts["backends"]:
        print("  " + describe(status))
    for hint in facts["hints"]:
        print(f"hint     {hint}")


def size(use: CacheUse) -> str:
    """What a cache holds, in words."""
    return f"{use.corpora} encoded {'corpus' if use.corpora == 1 else 'corpora'}, {in_units(use.bytes)}"


def in_units(count: float) -> str:
    """Bytes in a unit that suits their number."""
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def describe(status: BackendStatus) -> str:
    """One line for a backend."""
    name = f"{status['name']:<17}"
    gpus = f"; drives GPUs of {', '.join(status['gpus'])}" if status["gpus"] else ""
    if not status["available"]:
        return f"{name}{status['reason']}; {status['install']}{gpus}"
    nccl = "; NCCL joins them" if status["nccl"] else ""
    found = f"{', '.join(status['devices'])}; {', '.join(status['dtypes'])}"
    return f"{name}{status['version'] or 'unknown':<13}{found}{gpus}{nccl}"


def hints(blas: list[dict[str, Any]], tuned: Tuning, cpus: int) -> list[str]:
    """What could make training faster on this machine."""
    advice = []
    for library in blas:
        threads = library["num_threads"]
        if threads < cpus:
            advice.append(f"the BLAS uses {threads} of {cpus} CPUs; OPENBLAS_NUM_THREADS or OMP_NUM_THREADS sets it")
        if threads > cpus:
            advice.append(f"the BLAS uses {threads} threads on {cpus} CPUs; set OPENBLAS_NUM_THREADS={cpus}")
    if sys.platform == "linux" and not tuned["keeps_freed_memory"]:
        advice.append("training is faster when freed memory is kept: portnn.process.keep_freed_memory()")
    if importlib.util.find_spec("scipy") is None:
        advice.append('word2vec on NumPy is faster with SciPy: python -m pip install "portnn[word2vec]"')
    return advice
