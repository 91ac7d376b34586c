"""Ranks train to what one process trains to, for every model."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from portnn import backend as backend_named
from portnn.batches import WindowBatches
from portnn.checking import training_cases, training_losses
from portnn.optimizers import optimizer

STEPS = 200
CASES = {case.name: case for case in training_cases() if not isinstance(case.batches(), WindowBatches)}
SOME = ("RecurrentLM gru", "FeedForward relu", "SequenceClassifier gru", "ImageClassifier batch norm")


@pytest.fixture(scope="module")
def alone():
    """Losses of one process, by the bare steps."""
    here = backend_named("numpy", dtype="float64")
    return {
        name: training_losses(
            case.model, optimizer("adam"), case.batches(), here, steps=STEPS, learning_rate=0.01, clip_norm=5.0
        )
        for name, case in CASES.items()
    }


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_every_step_of_every_model_is_that_of_one_process(program, alone, ranks, tmp_path):
    program(ranks, "parity", tmp_path / "losses.json", STEPS)
    found = json.loads((tmp_path / "losses.json").read_text())
    assert found["ranks"] == ranks
    assert found["losses"].keys() == alone.keys() == CASES.keys()
    for name, losses in found["losses"].items():
        assert len(losses) == STEPS
        assert_allclose(losses, alone[name], rtol=1e-9, err_msg=name)
        assert np.ptp(losses) > 1e-3


def test_two_runs_of_as_many_ranks_are_the_same_bits(program, tmp_path):
    texts = []
    for name in ("one", "two"):
        program(2, "parity", tmp_path / name, 60, "numpy", *SOME)
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


@pytest.mark.parametrize(("library", "steps"), [("torch", 60), ("jax", 12), ("array-api-strict", 30)])
def test_arrays_of_other_libraries_go_through_the_host(program, alone, library, steps, tmp_path):
    program(2, "parity", tmp_path / "losses.json", steps, library, *SOME)
    for name, losses in json.loads((tmp_path / "losses.json").read_text())["losses"].items():
        assert_allclose(losses, alone[name][:steps], rtol=1e-9, err_msg=name)
