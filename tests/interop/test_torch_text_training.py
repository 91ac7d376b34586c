"""Training a text classifier: from the same weights and batches, PyTorch has the same loss at each step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import tree_map
from portnn.batches import SequenceBatches
from portnn.optimizers import Adam
from portnn.training import StepSettings, init_optimizer, make_step

from .torch_texts import logits, modules

STEPS, TEXTS, RATE, CLIP = 200, 60, 0.01, 1.0
EPS = 1e-16
"""So small that it does not matter where it is added: SparseAdam does so before the correction, unlike Adam."""


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")  # PyTorch 2.11, of its own optimizer
@pytest.mark.torch_oracle
@pytest.mark.parametrize("rows_at_a_time", [True, False])
def test_the_same_loss_at_each_of_two_hundred_steps(rows_at_a_time, rng, backend):
    import torch

    torch.manual_seed(0)
    words = [f"w{number}" for number in range(30)]
    network = modules(torch, both=True, rows=len(words) + 1)
    classifier = portnn.text_classifier_from_torch(network, words, backend=backend)
    model = replace(classifier.model, rows_at_a_time=rows_at_a_time)
    lengths = rng.integers(1, 12, TEXTS)
    ids = rng.integers(0, len(words) + 1, lengths.sum()).astype(np.uint8)
    targets = rng.integers(0, 3, TEXTS)
    multiple = 4 if backend.library.compiles else 1
    source = SequenceBatches(ids, np.cumsum(lengths), targets, batch_size=8, multiple=multiple, seed=0)
    ours, theirs = [], []
    optimizer = Adam(eps=EPS)
    step = make_step(model, optimizer, backend, StepSettings(clip_norm=CLIP))
    state = [classifier.params, init_optimizer(optimizer, model, classifier.params, backend)]
    table, *rest = network.parameters()
    tables, dense = ([table], rest) if rows_at_a_time else ([], [table, *rest])
    optimizers = [torch.optim.Adam(dense, lr=RATE, eps=EPS)]
    if tables:
        optimizers.append(torch.optim.SparseAdam(tables, lr=RATE, eps=EPS))
    for position in range(STEPS):
        batch = source.at(position).data
        rate, number = (backend.asarray(np.float64(value)) for value in (RATE, position + 1))
        result = step(*state, tree_map(backend.asarray, batch), (), rate, number)
        state = list(result[:2])
        ours.append(float(backend.to_host(result.loss)))
        theirs.append(torch_step(torch, network, optimizers, batch, tables))
    assert_allclose(ours, theirs, rtol=1e-8)
    assert ours[-1] < ours[0] / 2


def torch_step(torch, network, optimizers, batch, tables):
    """Loss before a step of PyTorch."""
    ids = torch.from_numpy(batch.ids.T.copy())
    lengths = np.full(len(ids), ids.shape[1]) if batch.lengths is None else batch.lengths
    network.zero_grad()
    found = logits(torch, network, ids, torch.from_numpy(lengths))
    loss = torch.nn.functional.cross_entropy(found, torch.from_numpy(batch.targets))
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
    for table in tables:  # of rows that no batch has, SparseAdam leaves the moments as they are
        valid = torch.arange(ids.shape[1]) < torch.from_numpy(lengths)[:, None]
        used = torch.unique(ids[valid])
        table.grad = torch.sparse_coo_tensor(used[None], table.grad[used], table.shape, check_invariants=True)
    for optimizer in optimizers:
        optimizer.step()
    return loss.item()
