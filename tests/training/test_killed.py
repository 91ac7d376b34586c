"""kill -9 at many moments of a run: each time it goes on, and ends as if nothing had happened."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import time
from pathlib import Path

import numpy as np
import pytest

from portnn.checkpoints import load_checkpoint
from portnn.training import read_metrics

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="needs fork"),
]

TEXT = "the quick brown fox jumps over the lazy dog; " * 5
STEPS = 400


SCRIPT = f"""
import pathlib, portnn
portnn.CharRNN("gru", hidden_size=8, num_layers=2, dropout=0.2).fit(
    {TEXT!r}, steps={STEPS}, batch_size=2, seq_length=7, held_out=0.2, log_every=1, evaluate_every=5,
    checkpoint_every=1, out=pathlib.Path(folder), resume=True, progress=False, workers=workers,
)
"""


@pytest.mark.parametrize(("workers", "kills"), [(1, 10), (2, 4)] if hasattr(os, "memfd_create") else [(1, 10)])
def test_killed_again_and_again(tmp_path, workers, kills) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT, encoding="utf-8")

    def train(folder: Path) -> None:
        runpy.run_path(str(script), {"folder": str(folder), "workers": workers})

    train(tmp_path / "whole")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "portnn.estimators.char_rnn", "portnn.training"])
    rng = np.random.default_rng(9)
    folder = tmp_path / "killed"
    metrics = folder / "metrics.jsonl"
    for _ in range(kills):
        size = metrics.stat().st_size if metrics.exists() else 0
        more = int(rng.integers(1, 8)) * 150  # bytes, about a line each
        process = context.Process(
            target=runpy.run_path, args=(str(script), {"folder": str(folder), "workers": workers})
        )
        process.start()
        # A resumed run first drops lines, so the file may begin smaller than the killed run left it.
        while process.is_alive() and not (metrics.exists() and metrics.stat().st_size > size + more):
            time.sleep(0.0005)
        time.sleep(rng.uniform(0.0, 0.006))
        assert process.is_alive(), "the run was over before it was killed"
        process.kill()
        process.join()
    assert kills < load_checkpoint(folder / "last.safetensors")[1]["run"]["step"] < STEPS
    train(folder)
    for name in ("last.safetensors", "best.safetensors"):
        (arrays, facts), (others, other_facts) = (load_checkpoint(tmp_path / run / name) for run in ("whole", "killed"))
        assert {key: array.tobytes() for key, array in arrays.items()} == {
            key: array.tobytes() for key, array in others.items()
        }
        assert facts["run"]["position"] == other_facts["run"]["position"] == facts["run"]["step"]
    lines, others = (read_metrics(tmp_path / run / "metrics.jsonl") for run in ("whole", "killed"))
    keys = ("step", "loss", "held_out_loss", "gradient_norm")
    assert [[line[key] for key in keys] for line in lines] == [[line[key] for key in keys] for line in others]
    assert not list(folder.glob(".*"))
