"""What the benchmarks share: contenders in processes of their own that take turns, and a description of the machine.

A benchmark names its contenders' makers: ``maker(*job) -> run``, where ``run()`` does one piece of the work.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

PAUSE = 0.1
"""Seconds before a turn: idle threads of the one before still spin for some time."""

Run = Callable[[], Any]

while_running = contextlib.ExitStack()
"""What the job at hand holds open (worker processes)."""


def serve(make: Callable[..., Run], *, tuned: bool) -> None:
    """Serve one contender: a line of JSON in, times out. `tuned`: as portnn's command line tunes its process."""
    if tuned:
        from portnn.process import tune_process

        tune_process()
    run: Run = lambda: None  # noqa: E731 (replaced by the first job)
    for line in sys.stdin:
        job = json.loads(line)
        if "make" in job:
            while_running.close()
            run = make(*job["make"])
            for _ in range(job["warm"]):
                run()
            print(json.dumps(None), flush=True)
            continue
        times: list[float] = []
        time.sleep(PAUSE)
        for _ in range(job["warm"]):
            run()  # back into the caches
        start = time.perf_counter()
        while not times or time.perf_counter() - start < job["seconds"]:
            before = time.perf_counter()
            run()
            times.append(time.perf_counter() - before)
        print(json.dumps(times), flush=True)


class Contender:
    """A contender's process: the benchmark's own script, started with ``--work NAME`` and what `options` say.

    `launcher` are words that come before, such as mpiexec's.
    """

    def __init__(self, script: str, name: str, *options: str, launcher: Sequence[str] = ()) -> None:
        self.name = name
        words = [*launcher, sys.executable, script, "--work", name, *options]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, job: dict[str, Any]) -> Any:
        """Send a job and wait for what comes back."""
        self.send(job)
        return self.answer()

    def send(self, job: dict[str, Any]) -> None:
        """Send a job."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """Wait for what comes back."""
        assert self.process.stdout is not None
        reply = self.process.stdout.readline()
        if not reply:
            raise SystemExit(f"{self.name} has ended")
        return json.loads(reply)

    def close(self) -> None:
        """Let the process end, and wait until it has."""
        self.process.communicate()


def take_turns(
    contenders: dict[str, Contender], job: Sequence[Any], *, rounds: int, seconds: float, warm: int = 1
) -> dict[str, list[float]]:
    """Times of every contender on a job, some of one, some of the next, round after round."""
    for contender in contenders.values():
        contender.send({"make": list(job), "warm": 2 * warm})  # at the same time: some compile for seconds
    for contender in contenders.values():
        contender.answer()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            times[name] += contender.ask({"seconds": seconds, "warm": warm})
    return times


def describe(*libraries: str, gpu: bool = False) -> dict[str, Any]:
    """Machine and versions, printed and returned; `gpu` adds the GPU, its driver and CuPy."""
    import importlib.metadata

    from portnn.process import blas_libraries

    model = platform.processor()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), model)
    machine: dict[str, Any] = {
        **(_gpu() if gpu else {}),
        "cpu": model,
        "threads": THREADS,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in libraries},
        "date": time.strftime("%Y-%m-%d"),
    }
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    machine["blas"] = blas_libraries()
    print("; ".join(f"{b['internal_api']} {b['version']} {b['architecture']} kernels" for b in machine["blas"]))
    return machine


def _gpu() -> dict[str, Any]:
    from portnn.backends.libraries import LIBRARIES

    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    name, driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0].split(", ")
    return {"gpu": name, "driver": driver, "cupy": LIBRARIES["cupy"].version()}
