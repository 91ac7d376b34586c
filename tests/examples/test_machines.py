"""The benchmark of two processes: what it measures, how its tables follow from that, and a run of all its parts."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "benchmarks"))

import machines
from machines import SHARED, TABLES, Row
from training_runs import TrainingRun, step_times

pytestmark = pytest.mark.host


class Clockwork:
    """An estimator whose steps take 3 seconds, and those up to the first line of metrics twice as long."""

    def fit(self, *data, steps, log_every, **settings):
        self.data, self.settings = data, settings
        marks = range(log_every, steps + 1, log_every)
        self.metrics = [{"step": step, "seconds": 3.0 * (step + log_every)} for step in marks]


def test_the_first_steps_do_not_count():
    estimator = Clockwork()
    assert step_times(TrainingRun(estimator, ("text",), {"batch_size": 8}), "mpi", 20) == [3.0] * 3
    assert estimator.data == ("text",)
    assert (estimator.settings["workers"], estimator.settings["batch_size"]) == ("mpi", 8)


def test_a_line_worked_out_by_hand():
    times = {"one process": [4e-3, 8e-3, 5e-3], "two workers": [3e-3, 2e-3, 9e-3], "two ranks": [6e-3, 6e-3, 1e-3]}
    line = TABLES["steps"].line(Row("GRU", "steps", [], lambda seconds: 1e3 * seconds, 3), times)
    assert line == "| GRU | 5 (4) | 3 (2) | 6 (1) | 0.60 (0.50) | 2.00 (0.50) |"
    times = {"one process": [2.0], "two workers": [1.0], SHARED: [0.5], "gensim": [4.0, 0.5]}
    line = TABLES["words"].line(Row("CBOW", "words", [], lambda seconds: 9_000.0 / seconds, 1), times)
    speeds = "| CBOW | 4,500 (4,500) | 9,000 (9,000) | 18,000 (18,000) | 4,000 (18,000)"
    assert line == f"{speeds} | 2.00 (2.00) | 4.00 (4.00) | 1.12 (0.25) | 2.25 (0.50) | 4.50 (1.00) |"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-W", "error", machines.__file__, *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)


def test_a_part_that_does_not_exist_is_named():
    done = run("--only", "sums,speed")
    assert done.returncode == 2
    assert done.stderr.endswith("there is no part 'speed'; known: steps, sums, words\n")


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_all_parts_run_with_two_workers_and_two_ranks(tmp_path):
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: two ranks have not run")
    pytest.importorskip("gensim", reason="gensim is not installed: word2vec has not been compared")
    done = run("--quick", "--json", str(tmp_path / "all.json"))
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert found.pop("machine")["mpi"].endswith(", 2 ranks")
    assert list(found) == list(TABLES)
    tables = [block.splitlines() for block in done.stdout.split("\n\n")[1:]]
    for (part, rows), lines in zip(found.items(), tables, strict=True):
        table = TABLES[part]
        assert lines[0] == table.head().splitlines()[0]
        for (name, times), line in zip(rows.items(), lines[2:], strict=True):
            first, *shown = cells(line)
            assert first == name
            assert list(times) == list(table.contenders)
            assert all(min(seconds) > 0.0 for seconds in times.values())
            medians = {who: statistics.median(seconds) for who, seconds in times.items()}
            for (one, other), cell in zip(table.ratios, shown[len(times) :], strict=True):
                ratio = medians[one] / medians[other]
                expected = 1.0 / ratio if part == "words" else ratio
                assert float(cell.split()[0]) == pytest.approx(expected, rel=0.01, abs=0.006)
    assert {part: len(rows) for part, rows in found.items()} == {"steps": 4, "sums": 1, "words": 4}
