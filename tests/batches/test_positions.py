"""A batch depends on the seed and its position alone: the same in any order, from any object, in any process."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from portnn.backends import backend, tree_flatten
from portnn.batches import ChunkStreams, RowBatches, WindowBatches, WindowSettings
from portnn.checking import training_cases
from portnn.models import RowBatch

pytestmark = pytest.mark.host

IDS = np.random.default_rng(1).integers(0, 10, 600)
ROWS = RowBatch(np.stack([np.arange(50.0), -np.arange(50.0)], axis=1), np.arange(50), np.arange(50) * 0.5)
COUNTS = np.bincount(IDS)[:9]


def streams(seed, dropout=0.0):
    sizes = {"batch_size": 3, "seq_length": 5, "layers": 2, "hidden_size": 4}
    return ChunkStreams(IDS, seed=seed, dropout=dropout, **sizes)


def rows(seed, dropout=0.0, batch_size=8):
    return RowBatches(ROWS, backend("numpy"), batch_size=batch_size, seed=seed, hidden_sizes=(4, 3), dropout=dropout)


def windows(seed, **settings):
    words = int(np.sum(IDS < 9))
    return WindowBatches(IDS, COUNTS, words, WindowSettings(sample=0.01, **settings), batch_size=5, seed=seed)


def case_batches(case):
    return lambda seed: case.batches()


SOURCES = {
    **{case.name: case_batches(case) for case in training_cases()},
    "streams": streams,
    "streams with dropout": lambda seed: streams(seed, dropout=0.5),
    "rows": rows,
    "rows with dropout": lambda seed: rows(seed, dropout=0.5),
    "all rows with dropout": lambda seed: rows(seed, dropout=0.5, batch_size=None),
    "windows": windows,
    "windows for CBOW": lambda seed: windows(seed, sg=False),
}
CASES = [case.name for case in training_cases()]  # their seed is fixed
DRAWN = [name for name in SOURCES if name not in ("streams", *CASES)]  # where the seed matters

POSITIONS = 150  # several passes over each of them


def in_bytes(batch):
    return *(array.tobytes() for _, array in tree_flatten(batch.data, "data")), batch.terms, batch.starts


@pytest.fixture(params=SOURCES)
def source(request):
    """Makes the batches of a seed, and closes what has to be closed."""
    made = []

    def make(seed=3):
        made.append(SOURCES[request.param](seed))
        return made[-1]

    yield make
    for batches in made:
        getattr(batches, "close", lambda: None)()


def test_there_are_several_passes(source):
    assert 3 * source().batches <= POSITIONS


def test_the_order_of_asking_does_not_matter(source, rng):
    one, other = source(), source()
    whole = [in_bytes(one.at(position)) for position in range(POSITIONS)]
    for position in rng.permutation(POSITIONS).tolist():
        assert in_bytes(other.at(position)) == whole[position], position
    for position in reversed(range(POSITIONS)):
        assert in_bytes(one.at(position)) == whole[position], position


@pytest.mark.parametrize("position", [0, 1, 37, 149])
def test_a_fresh_object_makes_the_same(source, position):
    used = source()
    for before in range(position):
        used.at(before)
    assert in_bytes(used.at(position)) == in_bytes(source().at(position)) == in_bytes(used.at(position))


def test_no_other_generator_is_drawn_from(source):
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    batches = source()
    for position in range(POSITIONS):
        batches.at(position)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_what_a_batch_is_made_of_is_left_alone():
    ids, table = IDS.copy(), [array.copy() for array in ROWS[:3]]
    for make in SOURCES.values():
        batches = make(3)
        for position in range(20):
            batches.at(position)
        getattr(batches, "close", lambda: None)()
    assert np.array_equal(IDS, ids)
    assert all(map(np.array_equal, ROWS[:3], table))


@pytest.mark.parametrize("name", DRAWN)
def test_another_seed_draws_others(name):
    one, other = SOURCES[name](3), SOURCES[name](4)
    assert in_bytes(one.at(0)) != in_bytes(other.at(0))
    for batches in (one, other):
        getattr(batches, "close", lambda: None)()


SCRIPT = """
import hashlib, runpy, sys
module = runpy.run_path(sys.argv[1])
for name, make in module["SOURCES"].items():
    batches, digest = make(3), hashlib.sha256()
    for position in (60, 2, 149, 3):
        digest.update(repr(module["in_bytes"](batches.at(position))).encode())
    print(name, digest.hexdigest())
    getattr(batches, "close", lambda: None)()
"""


def test_every_process_makes_the_same():
    def digests(seed):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", SCRIPT, __file__]
        return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout

    one = digests("1")
    assert one.count("\n") == len(SOURCES)
    assert one == digests("22")
