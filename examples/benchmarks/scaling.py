"""How far training would scale, on paper: what the cost model says of up to 1,024 ranks, as tables of Markdown.

    python examples/benchmarks/scaling.py

The page docs/scaling.md has these tables, and says where each constant below comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from cost_model import Network, automatic, hierarchical, step

from portnn.batches import WindowSettings, steady_batch_size
from portnn.batches.load import chance_to_keep
from portnn.models import RecurrentLM
from portnn.training.apart_step import FREQUENT, SELDOM, period_of
from portnn.training.shared_step import part_entries

# Published

ETHERNET_10 = Network(latency=35e-6, bandwidth=1.178e9)
ETHERNET_100 = Network(latency=16.1e-6, bandwidth=8.25e9)
INFINIBAND = Network(latency=1.05e-6, bandwidth=96.8e9 / 8)
NVLINK = Network(latency=3.4e-6, bandwidth=370e9)
NETWORKS = {
    "10 Gb/s Ethernet": ETHERNET_10,
    "100 Gb/s Ethernet": ETHERNET_100,
    "100 Gb/s InfiniBand": INFINIBAND,
}

# Measured: docs/benchmarks.md and docs/gpu.md

UNITS, LENGTH, VOCABULARY = 512, 64, 100
"""Of the GRU whose steps are below."""
ROWS, STEP = 32, 126e-3
"""Of a rank with one core: sequences, and seconds of a step with those of another worker."""
GPU_ROWS, GPU_STEP = 64, 2.78e-3
"""The same of a GPU: portnn on JAX."""
UPDATE = 6e-3 / 1.6e6
"""Seconds in which one core clips and updates a parameter."""
WORDS_PER_SECOND = 540_000
"""Of one process that learns skip-gram, 100 entries, 20,000 words in Zipf's law."""

ENTRIES = part_entries(RecurrentLM(VOCABULARY, "gru", UNITS))
BYTES = 4 * ENTRIES
SIZE, POSITIONS = 100, 512
"""Entries of a word's vector, and positions of a step."""
TOKENS = 1e12
DAY, HOUR = 86_400.0, 3_600.0
MEMBERS = 8
"""GPUs that NVLink joins in a host."""


def growing(ranks: int, network: Network) -> float:
    """Seconds of a step whose batch grows with the ranks: each has `ROWS` sequences."""
    return STEP + automatic(ranks, BYTES, network)


def shrinking(ranks: int, network: Network, batch: int = 64, size: float = BYTES) -> float:
    """Seconds of a step of one batch that all ranks share, if computing takes as long as there are sequences."""
    return step(computing(batch / ranks), UPDATE * ENTRIES, automatic(ranks, size, network))


def computing(rows: float) -> float:
    """Seconds in which a core computes the gradient of so many sequences, at the pace of `ROWS`."""
    return (STEP - UPDATE * ENTRIES) * rows / ROWS


def merges(rows: int, size: int) -> list[int]:
    """Bytes of each sum by which tables of several processes are made equal, in the periods after which all rows are.

    Every period adds up the changes of the most frequent rows, and two numbers about the uses of each; every second one
    also these numbers for the rows that follow, and the changes of those that were used, in either table: here of all,
    which is the most there can be.
    """
    first = min(FREQUENT, rows)
    found = []
    for period in range(1, SELDOM + 1):
        more = (min(FREQUENT * (period & -period), rows) if period % SELDOM else rows) - first
        found.append(4 * (2 * first * (1 + size) + 1))
        found += [4 * 2 * more, 4 * more * size, 4 * more * size] if more else []
    return found


def merging(ranks: int, rows: int, network: Network) -> float:
    """Seconds that making tables equal adds to a step, in the mean."""
    sums = sum(automatic(ranks, size, network) for size in merges(rows, SIZE))
    return sums / (SELDOM * period_of(ranks, POSITIONS))


def words_in_a_step(rows: int) -> float:
    """Words of a text in Zipf's law that a step of skip-gram takes, those that subsampling drops included."""
    counts: Any = 1.0 / np.arange(1, rows + 1)
    settings = WindowSettings()
    kept = float(np.sum(chance_to_keep(counts, settings.sample) * counts) / np.sum(counts))
    return steady_batch_size(counts, settings, 0.025) / kept


# Tables


def table(*columns: str) -> str:
    return f"| {' | '.join(columns)} |"


def head(*columns: str) -> str:
    return f"\n{table(*columns)}\n" + "| --- " * len(columns) + "|"


def span(both: list[float]) -> str:
    shown = (f"{each:,.0f}" if each >= 100.0 else f"{each:.3g}" for each in sorted(both))
    return " to ".join(dict.fromkeys(shown))


RANKS = (1, 4, 16, 64, 256, 1024)


def growing_batches() -> Iterator[str]:
    yield head("ranks", "sequences a step", *NETWORKS, "days for a trillion characters")
    for ranks in RANKS:
        times = [growing(ranks, network) for network in NETWORKS.values()]
        days = [TOKENS / (ranks * ROWS * LENGTH) * seconds / DAY for seconds in (max(times), min(times))]
        cells = [f"{1e3 * seconds:.0f} ({STEP / seconds:.2f})" for seconds in times]
        yield table(f"{ranks:,}", f"{ranks * ROWS:,}", *cells, span(days))


def growing_batches_on_gpus() -> Iterator[str]:
    lines = ("a line for each", f"hosts of {MEMBERS}, joined by NVLink")
    yield head("GPUs", "sequences a step", *lines, "hours for a trillion characters")
    for ranks in RANKS[2:]:
        flat = GPU_STEP + automatic(ranks, BYTES, INFINIBAND)
        grouped = GPU_STEP + hierarchical(ranks // MEMBERS, MEMBERS, BYTES, NVLINK, INFINIBAND)
        hours = [TOKENS / (ranks * GPU_ROWS * LENGTH) * seconds / HOUR for seconds in (flat, grouped)]
        cells = [f"{1e3 * seconds:.2f} ({GPU_STEP / seconds:.2f})" for seconds in (flat, grouped)]
        yield table(f"{ranks:,}", f"{ranks * GPU_ROWS:,}", *cells, span(hours))


def one_batch() -> Iterator[str]:
    yield head("ranks", "sequences each", *NETWORKS)
    for ranks in (1, 2, 4, 8, 16, 32, 64):
        times = [shrinking(ranks, network) for network in NETWORKS.values()]
        cells = [f"{1e3 * seconds:.1f} ({shrinking(1, INFINIBAND) / seconds:.1f})" for seconds in times]
        yield table(f"{ranks}", f"{64 // ranks}", *cells)


def remedies(ranks: int = 64) -> Iterator[str]:
    yield head("64 ranks, 10 Gb/s Ethernet, one sequence each", "milliseconds a step")
    compute, update, whole = computing(64 / ranks), UPDATE * ENTRIES, automatic(ranks, BYTES, ETHERNET_10)
    norm = automatic(ranks, 4, ETHERNET_10)
    for name, updating, summing in (
        ("as it is", update, whole),
        ("each rank updates its share, between the halves of the sum", update / ranks, whole + norm),
        ("half the bytes: gradients in bfloat16", update, automatic(ranks, BYTES / 2, ETHERNET_10)),
        ("the sum during the backward pass, at best", update, max(0.0, whole - compute * 2 / 3)),
        ("parameters averaged after every eighth step", update, whole / 8),
    ):
        yield table(name, f"{1e3 * step(compute, updating, summing):.1f}")


def word_vectors() -> Iterator[str]:
    yield head("words in the vocabulary", "ranks", *NETWORKS, "hours for a trillion words")
    for rows in (20_000, 1_000_000):
        words = words_in_a_step(rows)
        alone = words / WORDS_PER_SECOND
        for ranks in RANKS:
            times = [alone + merging(ranks, rows, network) for network in NETWORKS.values()]
            hours = [TOKENS / (ranks * words) * seconds / HOUR for seconds in (max(times), min(times))]
            cells = [f"{1e3 * seconds:.2f} ({alone / seconds:.2f})" for seconds in times]
            yield table(f"{rows:,}", f"{ranks:,}", *cells, span(hours))


def main() -> None:
    for lines in (growing_batches, growing_batches_on_gpus, one_batch, remedies, word_vectors):
        print(*lines(), sep="\n")


if __name__ == "__main__":
    main()
