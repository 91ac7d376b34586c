"""What scaling looks like on paper: its sums are those of training, and the page about it has its tables."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "benchmarks"))

import scaling
from cost_model import Network

from portnn.batches import Batch, WindowBatches, WindowSettings, steady_batch_size
from portnn.models import WindowBatch, WordVectors
from portnn.training import StepResult
from portnn.training.apart_step import SELDOM, ApartStep

pytestmark = pytest.mark.host

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"


class Counting:
    """A group whose other process changes nothing; it notes the bytes of every sum."""

    rank, size, neighbours = 0, 2, 2

    def __init__(self):
        self.sums = []

    def empty(self, entries, dtype):
        return np.empty(entries, dtype)

    def sum_in_place(self, vector):
        self.sums.append(vector.nbytes)


@pytest.mark.parametrize("rows", [900, 5000, 80_000])
def test_merges_are_the_sums_of_training(rows):
    width, group = 3, Counting()
    step = ApartStep(WordVectors(rows, width), unchanged, group, 512, stop=lambda: False)
    tables = {name: np.zeros((rows, width), np.float32) for name in ("input", "output")}
    batch = Batch(WindowBatch(np.arange(rows)[None], np.empty((1, 1, 1))), 1.0, False)
    for number in range(1, step.period * SELDOM + 1):
        step(tables, None, batch, (), np.float64(1.0), np.float64(number))
    assert group.sums == scaling.merges(rows, width)


def unchanged(params, state, batch, carry, rate, number):
    return StepResult(params, state, carry, np.zeros(()), None)


def test_merging_adds_the_time_of_all_sums_over_all_steps():
    second_a_byte = Network(0.0, 1.0)
    whole = sum(scaling.merges(20_000, 100)) / SELDOM
    assert scaling.merging(2, 20_000, second_a_byte) == pytest.approx(whole / 16)
    # Of eight, each sends and receives 14 eighths, in place of two halves.
    assert scaling.merging(8, 20_000, second_a_byte) == pytest.approx(14 / 8 * whole / 4, rel=1e-5)
    assert scaling.merging(1, 20_000, second_a_byte) == 0.0


def test_words_in_a_step_are_those_of_batches():
    """An epoch of a drawn text in Zipf's law has so many batches."""
    counts = (2e5 / np.arange(1, 2001)).astype(np.int64)
    ids = np.random.default_rng(0).permutation(np.repeat(np.arange(2000, dtype=np.uint16), counts))
    batches = WindowBatches(ids, counts, len(ids), WindowSettings(), batch_size=512)
    batches.close()
    kept = len(ids) / batches.batches / 512
    positions = steady_batch_size(counts, WindowSettings(), 0.025)
    assert scaling.words_in_a_step(2000) / positions == pytest.approx(kept, rel=0.02)


def test_more_ranks_take_longer_for_a_step_and_less_for_the_whole():
    for network in scaling.NETWORKS.values():
        times = [scaling.growing(ranks, network) for ranks in scaling.RANKS]
        assert times == sorted(times)
        totals = [seconds / ranks for seconds, ranks in zip(times, scaling.RANKS, strict=True)]
        assert totals == sorted(totals, reverse=True)
    assert scaling.shrinking(2, scaling.INFINIBAND) > scaling.STEP  # half of 64 sequences, and a sum


def test_the_page_has_the_tables(capsys):
    scaling.main()
    printed = [line for line in capsys.readouterr().out.splitlines() if line]
    assert len(printed) > 35
    page = PAGE.read_text(encoding="utf-8").splitlines()
    assert [line for line in printed if line not in page] == []
