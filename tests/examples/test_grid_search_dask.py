"""The grid search on a Dask cluster runs unchanged, on both workers, and finds what one process finds."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "grid_search_dask.py"

pytestmark = pytest.mark.host


def run(cwd: Path) -> str:
    """What it prints where nothing sets BLAS's threads. A warning is an error in the workers, too: they inherit -W."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLE)],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr  # in a destructor, it ends nothing
    return done.stdout


def test_two_workers_find_what_one_process_finds(tmp_path):
    printed = run(tmp_path)
    assert not list(tmp_path.iterdir())

    workers = re.findall(r"^(tcp://127\.0\.0\.1:\d+) fitted for (\S+) s, BLAS threads: (\d+)$", printed, re.MULTILINE)
    assert len({address for address, _, _ in workers}) == 2
    assert all(float(seconds) > 0.0 for _, seconds, _ in workers)
    assert [threads for _, _, threads in workers] == ["1", "1"]

    ((best, accuracy),) = re.findall(r"^best: (.*), on digits that no fit has seen (\S+)$", printed, re.MULTILINE)
    assert float(accuracy) >= 0.95

    example = runpy.run_path(str(EXAMPLE))
    X, X_test, y, y_test = example["digits"]()
    alone = example["grid_search"](n_jobs=1).fit(X, y)
    results = zip(alone.cv_results_["mean_test_score"], alone.cv_results_["params"], strict=True)
    expected = [(f"{score:.4f}", str(params)) for score, params in results]  # one digit more or less is 0.0008
    assert re.findall(r"^accuracy (\S+) with (.*)$", printed, re.MULTILINE) == expected
    assert (best, accuracy) == (str(alone.best_params_), f"{alone.score(X_test, y_test):.4f}")
