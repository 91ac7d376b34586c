"""What the contenders of machines.py do: tasks, a line of JSON each, of which they say how long they took.

echo '["sums", [1000000]]' | python examples/benchmarks/machine_tasks.py "two workers"
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

WORKERS: dict[str, int | str] = {"one process": 1, "two workers": 2, "two ranks": "mpi"}
"""Contenders, and the `workers` that each gives to `fit`."""

PEER, SHARED = "gensim", "shared tables"
"""Contenders of word2vec alone."""


def steps(workers: int | str, network: str, sizes: list[Any], count: int) -> list[float]:
    """Seconds of training steps."""
    from training_runs import step_times

    return step_times(prepared(network, json.dumps(sizes)), workers, count)


@functools.cache
def prepared(network: str, sizes: str) -> Any:
    """A training run, which is the same in every turn."""
    from training_runs import NETWORKS

    return NETWORKS[network](*json.loads(sizes))


def sums(workers: int | str, size: int) -> list[float]:
    """Seconds of an all-reduce of so many bytes."""
    from network_ranks import joined, sum_times

    from portnn.groups import local_group

    if not isinstance(workers, int):
        return sum_times(joined(), size, 1)[0]
    with local_group(workers, size, functools.partial(sum_times, size=size, rounds=1)) as group:
        return sum_times(group, size, 1)[0]


def words(workers: int | str, sg: bool, job: str, text: list[int]) -> list[float]:
    """Seconds of a job of word2vec.py.

    Of an epoch, training alone counts, at its pace after the first line of metrics: until then, a worker that has just
    started imports what it needs.
    """
    from word2vec import gensim_speed, portnn_model, portnn_speed, zipf_text

    more = {"shared_tables": workers == SHARED}
    workers = 2 if workers == SHARED else workers
    if workers == PEER:
        run = gensim_speed(sg, job, *text)
    elif job == "fit":
        run = portnn_speed(sg, job, *text, workers=workers, **more)  # type: ignore[arg-type]
    else:
        model = portnn_model(sg, **more).fit(zipf_text(*text), epochs=1, workers=workers, progress=False)
        first, *_, last = model.metrics
        return [last["step"] * (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])]
    begin = time.perf_counter()
    run()
    return [time.perf_counter() - begin]


def mpi(workers: int | str) -> str:
    """Name and version of MPI, and how many ranks there are."""
    from portnn.groups import library_of, load_mpi

    found = load_mpi()
    return f"{library_of(found)}, {found.COMM_WORLD.Get_size()} ranks"


TASKS: dict[str, Callable[..., Any]] = {task.__name__: task for task in (steps, sums, words, mpi)}


def serve_tasks(name: str) -> None:
    """Do tasks as a contender; portnn's process is tuned as by its command line."""
    if name != PEER:
        from portnn.process import tune_process

        tune_process()
    for line in sys.stdin if WORKERS.get(name) != "mpi" else ranks_lines():
        task, arguments = json.loads(line)
        found = TASKS[task](WORKERS.get(name, name), *arguments)
        if os.environ.get("PMI_RANK", "0") == "0":
            print(json.dumps(found), flush=True)


def ranks_lines() -> Iterator[str]:
    """Lines of the first rank's stdin, which it passes on. The others sleep until then: it may be another's turn."""
    from portnn.groups import load_mpi

    comm = load_mpi().COMM_WORLD
    while True:
        if comm.Get_rank() == 0:
            line = sys.stdin.readline()
            for other in range(1, comm.Get_size()):
                comm.send(line, dest=other)
        else:
            while not comm.iprobe(source=0):
                time.sleep(0.01)
            line = comm.recv(source=0)
        if not line:
            return
        yield line


if __name__ == "__main__":
    serve_tasks(sys.argv[-1])
