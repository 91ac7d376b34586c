"""Two processes on two cores: one process, two workers and two ranks of MPI, in turns.

    python examples/benchmarks/machines.py [--only steps,sums,words] [--rounds 9] [--quick] [--json FILE]

steps  a training step, its batch included, of a character RNN (GRU; batch, units, characters in a chunk, characters in
       the vocabulary), a feed-forward network, a text classifier and a convolutional network; float32, Adam
sums   the all-reduce alone, of float32 numbers: two workers add in shared memory, two ranks in MPI's way
words  word2vec, skip-gram and CBOW, in words per second: an epoch of training, and the whole job (counting, encoding,
       five epochs); gensim's Word2Vec, on the same text, has two workers, too, and "shared tables" is two
       workers with `shared_tables=True`

Each contender lives in processes of its own, and they take turns, round after round: "one process" has as many BLAS
threads as there are cores where products are large, "two workers" is `workers=2`, "two ranks" is `workers="mpi"` under
`mpiexec -n 2`, which this script starts. All are tuned as by portnn's command line. Starting a worker, and what it
imports, is in the whole job of word2vec alone. The tables are Markdown; --quick does as little as shows that all runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from contenders import THREADS, Contender, describe
from machine_tasks import PEER, SHARED, WORKERS
from network_hosts import mpiexec

TASKS = str(Path(__file__).with_name("machine_tasks.py"))

Times = dict[str, list[float]]
"""Seconds of each contender, in every turn."""


class Row(NamedTuple):
    """A row of a table: what is measured, and how a figure follows from seconds."""

    name: str
    task: str
    arguments: list[Any]
    figure: Callable[[float], float]
    rounds: int


class Table(NamedTuple):
    """A table: its unit, its contenders, which of them are compared, and how a figure is written."""

    unit: str
    contenders: tuple[str, ...]
    ratios: tuple[tuple[str, str], ...]
    form: str

    def head(self) -> str:
        """The first two lines of Markdown."""
        columns = [self.unit, *self.contenders, *(" / ".join(pair) for pair in self.ratios)]
        return f"| {' | '.join(columns)} |\n" + "| --- " * len(columns) + "|"

    def line(self, row: Row, times: Times) -> str:
        """A line of Markdown: the median (the best) of each contender, and the ratios of both."""
        both = {who: (row.figure(statistics.median(found)), row.figure(min(found))) for who, found in times.items()}
        cells = [row.name, *(pair(self.form, both[who]) for who in self.contenders)]
        for one, other in self.ratios:
            cells.append(pair(".2f", (both[one][0] / both[other][0], both[one][1] / both[other][1])))
        return f"| {' | '.join(cells)} |"


def pair(form: str, both: tuple[float, float]) -> str:
    return f"{both[0]:{form}} ({both[1]:{form}})"


TWO = ("two workers", "one process")
MPI = ("two ranks", "two workers")
TABLES = {
    "steps": Table("milliseconds a step", tuple(WORKERS), (TWO, MPI), ".3g"),
    "sums": Table("milliseconds a sum", ("two workers", "two ranks"), (MPI,), ".3g"),
    "words": Table(
        "words per second",
        ("one process", "two workers", SHARED, PEER),
        (TWO, (SHARED, "one process"), ("one process", PEER), ("two workers", PEER), (SHARED, PEER)),
        ",.0f",
    ),
}

NETWORKS = {
    "GRU, 64, 512, 64, 100": ("char_rnn", ["gru", 64, 512, 64, 100]),
    "GRU, 32, 256, 64, 65": ("char_rnn", ["gru", 32, 256, 64, 65]),
    "MLP, 784-512-512-10, batches of 1,024": ("mlp", [1024, [512, 512], 8192]),
    "text classifier, LSTM of 256, batches of 64": ("text_classifier", [64, 256, 6920]),
    "convolutions of 32 and 64, 32 x 32 x 3, batches of 64": ("conv_net", [64, [32, 64], 2048]),
}
"""Networks in training_runs.py and their sizes, by their names in the table."""
SMALL = {
    "GRU, 8, 16, 8, 10": ("char_rnn", ["gru", 8, 16, 8, 10]),
    "MLP, 784-8-8-10, batches of 16": ("mlp", [16, [8, 8], 64]),
    "text classifier, LSTM of 8, batches of 8": ("text_classifier", [8, 8, 64]),
    "convolutions of 2 and 3, 32 x 32 x 3, batches of 8": ("conv_net", [8, [2, 3], 32]),
}
MEGABYTES = (0.1, 1, 10, 100)
OBJECTIVES = {"skip-gram": True, "CBOW": False}
EPOCHS = 5
"""Of the whole job, as in word2vec.py."""


def step_rows(quick: bool, rounds: int) -> Iterator[Row]:
    for name, network in (SMALL if quick else NETWORKS).items():
        yield Row(name, "steps", [*network, 10 if quick else 25], milliseconds, rounds)


def sum_rows(quick: bool, rounds: int) -> Iterator[Row]:
    for megabytes in MEGABYTES[: 1 if quick else None]:
        yield Row(f"{megabytes:g} MB", "sums", [round(1e6 * megabytes)], milliseconds, rounds)


def word_rows(quick: bool, rounds: int) -> Iterator[Row]:
    words, vocabulary = (4_000, 100) if quick else (2_000_000, 20_000)
    for objective, sg in OBJECTIVES.items():
        for job, task, passes, often in (
            ("an epoch", "speed", 1, rounds),
            ("the whole job", "fit", EPOCHS, min(3, rounds)),
        ):
            count = passes * words
            figure = lambda seconds, count=count: count / seconds  # noqa: E731
            yield Row(f"{objective}, {job}", "words", [sg, task, [words, vocabulary]], figure, often)


def milliseconds(seconds: float) -> float:
    return 1e3 * seconds


ROWS = {"steps": step_rows, "sums": sum_rows, "words": word_rows}


def in_turn(contenders: dict[str, Contender], row: Row) -> Times:
    """Seconds that contenders take, a turn each in every round."""
    times: Times = {name: [] for name in contenders}
    for _ in range(row.rounds):
        for name, contender in contenders.items():
            time.sleep(0.1)  # idle threads of the one before still spin
            times[name] += contender.ask([row.task, row.arguments])
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(TABLES), help="parts, with commas")
    parser.add_argument("--rounds", type=int, default=9, help="of a turn each; three for the whole job of word2vec")
    parser.add_argument("--quick", action="store_true", help="small networks and few steps, which say nothing of speed")
    parser.add_argument("--json", help="write all seconds to this file")
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(TABLES):
        parser.error(f"there is no part {min(unknown)!r}; known: {', '.join(TABLES)}")
    names = list(dict.fromkeys(name for part in parts for name in TABLES[part].contenders))
    machine = describe("numpy", "mpi4py", *(["scipy", PEER] if PEER in names else []))
    if THREADS != 2:
        print(f"there are {THREADS} cores, not two")
    results: dict[str, Any] = {"machine": machine}
    with contextlib.ExitStack() as stack:
        contenders = {}
        for name in names:
            launcher = [mpiexec(), "-n", "2"] if WORKERS.get(name) == "mpi" else []
            contenders[name] = Contender(TASKS, name, launcher=launcher)
            stack.callback(contenders[name].close)
        if "two ranks" in contenders:
            machine["mpi"] = contenders["two ranks"].ask(["mpi", []])
            print(machine["mpi"])
        print("median (best) of each contender; ratios of the medians (of the best)")
        for part in parts:
            table, results[part] = TABLES[part], {}
            print(f"\n{table.head()}")
            for row in ROWS[part](options.quick, 1 if options.quick else options.rounds):
                times = in_turn({name: contenders[name] for name in table.contenders}, row)
                results[part][row.name] = times
                print(table.line(row, times), flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, ModuleNotFoundError) as error:
        raise SystemExit(f"machines: {error}") from None
