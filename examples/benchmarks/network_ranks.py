"""What each rank of the network benchmark does: messages, all-reduces and training, which the first one times.

    mpiexec -n 2 python examples/benchmarks/network_ranks.py '[["messages", {}], ["allreduce", {"size": 1000000}]]'

prints a list of what each task found.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from training_runs import char_rnn, parameters, step_times

RANK = int(os.environ.get("PMI_RANK", "0"))


def facts() -> dict[str, Any]:
    """Where the ranks run, and by what."""
    from portnn.groups import load_mpi
    from portnn.groups.mpi import library_of

    group = joined()
    places, neighbours = zip(*group.gather((os.readlink("/proc/self/ns/net"), group.neighbours)), strict=True)
    return {"namespaces": len(set(places)), "neighbours": sorted(set(neighbours)), "mpi": library_of(load_mpi())}


def messages(size: int = 2_000_000, count: int = 40) -> dict[str, float]:
    """Constants of the network's model, by pairs of ranks that send each other something, all at once."""
    import numpy as np

    from portnn.groups import load_mpi

    comm, partner = load_mpi().COMM_WORLD, RANK ^ 1
    vectors = {entries: (np.zeros(entries, np.float32), np.zeros(entries, np.float32)) for entries in (1, size // 4)}

    def ping_pong() -> None:
        own, other = vectors[1]
        for turn in range(2):
            finish([comm.Isend(own, partner) if turn == RANK % 2 else comm.Irecv(other, partner)])

    def exchange() -> None:
        own, other = vectors[size // 4]
        finish([comm.Irecv(other, partner), comm.Isend(own, partner)])

    if partner >= comm.Get_size():  # the last of an odd number
        return {}
    latency = median_time(ping_pong, count) / 2.0
    one, other = vectors[size // 4]
    adding = median_time(lambda: np.add(one, other, out=one), count) / size
    return {"latency": latency, "bandwidth": size / (median_time(exchange, count) - latency), "addition": adding}


def allreduce(size: int, rounds: int = 5) -> dict[str, float]:
    """Median time of an all-reduce of float32 numbers, and bytes that a host sends in one."""
    group, before = joined(), sent()
    found, count = sum_times(group, size, rounds)
    return {"seconds": statistics.median(found), "sent": (sent() - before) / count}


def sum_times(group: Any, size: int, rounds: int) -> tuple[list[float], int]:
    """Times of an all-reduce of float32 numbers by the processes of a group, and how many there were in all."""
    import numpy as np

    vector = group.empty(size // 4, np.float32)
    vector[:] = 0.0
    group.sum_in_place(vector)
    begin = time.perf_counter()
    group.sum_in_place(vector)
    # A delayed link lets a rank that is behind find the other's message there: alternate calls are short and long.
    calls = 2 * group.broadcast(max(1, min(50, round(0.05 / (time.perf_counter() - begin)))))

    def some() -> None:
        for _ in range(calls):
            group.sum_in_place(vector)

    return [seconds / calls for seconds in times(some, rounds)], 2 + (rounds + 1) * calls


def training(batch: int, cell: str, workers: int | str, steps: int = 40) -> dict[str, float]:
    """Median time of a step of `portnn.CharRNN`."""
    run = char_rnn(cell, batch, 256, 64, 65)
    if "PMI_RANK" in os.environ:
        joined().broadcast(None)  # so that all begin together
    return {"seconds": statistics.median(step_times(run, workers, steps)), "bytes": 4 * parameters(run)}


def update(cell: str, count: int = 40) -> dict[str, float]:
    """Median time of the second half of a step: clipping and Adam."""
    import numpy as np

    import portnn
    from portnn.models import RecurrentLM
    from portnn.optimizers import Adam
    from portnn.training import StepSettings, init_optimizer
    from portnn.training.step import ALL, make_update

    backend, model = portnn.backend("numpy"), RecurrentLM(65, cell, 256)
    params = model.init(np.random.default_rng(0))
    params = {name: backend.asarray(array) for name, array in params.items()}
    move = make_update(model, Adam(), backend, StepSettings(clip_norm=5.0))
    gradient = {ALL: backend.asarray(np.ones(sum(array.size for array in params.values())))}
    state = [params, init_optimizer(Adam(), model, params, backend)]
    number = backend.asarray(np.float64(1.0))

    def run() -> None:
        state[:] = move(state[0], state[1], gradient, {}, number, number)[:2]

    return {"seconds": median_time(run, count)}


@functools.cache
def joined() -> Any:
    """All ranks, as portnn's training has them: its `sum_in_place` is the all-reduce."""
    from portnn.groups import MPIGroup

    return MPIGroup(timeout=120.0)


def finish(requests: list[Any]) -> None:
    """Wait as portnn does: another rank may need the core."""
    while not all(request.Test() for request in requests):
        os.sched_yield()


def median_time(run: Callable[[], object], count: int) -> float:
    """Median of `count` runs, after one that does not count."""
    return statistics.median(times(run, count))


def times(run: Callable[[], object], count: int) -> list[float]:
    """Seconds of `count` runs, after one that does not count."""
    run()
    found = []
    for _ in range(count):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    return found


def sent() -> int:
    """Bytes that this host has sent so far."""
    with open("/sys/class/net/eth0/statistics/tx_bytes", encoding="ascii") as file:
        return int(file.read())


TASKS = {task.__name__: task for task in (facts, messages, allreduce, training, update)}


def main() -> None:
    found = [TASKS[name](**parameters) for name, parameters in json.loads(sys.argv[1])]
    if RANK == 0:
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
