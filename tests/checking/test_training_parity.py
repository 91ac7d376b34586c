"""Whole training runs: on every library like NumPy's, and on NumPy like PyTorch's."""

import itertools

import numpy as np
import pytest

import portnn
from portnn.backends import generator
from portnn.batches import ChunkStreams
from portnn.checking import ParityError, check_losses, training_cases, training_losses
from portnn.models import RecurrentLM
from portnn.optimizers import optimizer

STEPS, CLIP = 200, 0.3

FEWER = 40
"""Steps of every fourth case on every library; `examples/parity.py` takes more, of each case."""


@pytest.mark.parametrize("case", list(training_cases())[::4], ids=lambda case: case.name)
def test_the_loss_at_each_of_some_steps_is_the_same_as_on_numpy(backend, case):
    here = portnn.backend("numpy", dtype="float64")
    chosen = optimizer("adam")
    ours, numpys = (
        training_losses(case.model, chosen, case.batches(), each, steps=FEWER, learning_rate=0.01)
        for each in (backend, here)
    )
    assert len(ours) == FEWER
    assert check_losses(ours, numpys, backend).error <= 1e-9
    assert np.mean(ours[-10:]) < np.mean(ours[:10])


@pytest.mark.host
def test_a_run_with_a_little_other_learning_rate_does_not_pass():
    here = portnn.backend("numpy", dtype="float64")
    case = next(training_cases())
    one, other = (
        training_losses(case.model, optimizer("adam"), case.batches(), here, steps=5, learning_rate=rate)
        for rate in (0.01, 0.01 * (1.0 + 1e-6))
    )
    assert one[0] == other[0]
    with pytest.raises(ParityError, match=r"differs from NumPy in the loss at step"):
        check_losses(other, one, here)


@pytest.mark.host
def test_the_seed_decides_the_run():
    here = portnn.backend("numpy", dtype="float64")
    case = next(training_cases())
    one, again, other = (
        training_losses(case.model, optimizer("sgd"), case.batches(), here, steps=3, learning_rate=0.1, seed=seed)
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


@pytest.mark.host
@pytest.mark.torch_oracle
@pytest.mark.parametrize(
    ("cell", "name", "rate", "layers"),
    [("lstm", "adagrad", 0.1, 1), ("lstm", "adam", 0.01, 2), ("gru", "adagrad", 0.1, 1), ("rnn", "adam", 0.01, 1)],
)
def test_200_steps_of_training_follow_torch(cell, name, rate, layers):
    """Same weights, batches, truncation, clipping and optimizer in PyTorch: the same loss at every step."""
    import torch

    torch.set_num_threads(1)  # its threads would only wait for each other
    ids = np.random.default_rng(11).integers(0, 6, 300)
    model = RecurrentLM(6, cell, hidden_size=5, num_layers=layers)
    here = portnn.backend("numpy", dtype="float64")
    source = ChunkStreams(ids, batch_size=2, seq_length=6)
    ours = training_losses(model, optimizer(name), source, here, steps=STEPS, learning_rate=rate, clip_norm=CLIP)

    layer = getattr(torch.nn, cell.upper())(6, 5, num_layers=layers, dtype=torch.float64)
    output = torch.nn.Linear(5, 6, dtype=torch.float64)
    rng = generator(0)
    drawn = model.init(rng)
    with torch.no_grad():
        for key, array in drawn.items():
            where, _, field = key.rpartition(".")
            theirs = getattr(output, field) if where == "output" else getattr(layer, f"{field}_l{where[-1]}")
            theirs.copy_(torch.tensor(array.T))
    weights = list(itertools.chain(layer.parameters(), output.parameters()))
    torchs = getattr(torch.optim, {"adagrad": "Adagrad", "adam": "Adam"}[name])(weights, lr=rate)
    source, losses, clipped, state = ChunkStreams(ids, batch_size=2, seq_length=6), [], 0, None
    for position in range(STEPS):
        batch, _, starts, *_ = source.at(position)
        if starts:
            state = None
        elif state is not None:
            state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        y, state = layer(torch.nn.functional.one_hot(torch.tensor(batch.inputs), 6).double(), state)
        targets = torch.tensor(batch.targets).reshape(-1)
        loss = torch.nn.functional.cross_entropy(output(y).reshape(-1, 6), targets)
        torchs.zero_grad()
        loss.backward()
        clipped += bool(torch.nn.utils.clip_grad_norm_(weights, CLIP) > CLIP)
        torchs.step()
        losses.append(loss.item())
    assert np.max(np.abs(np.asarray(ours) - losses) / np.asarray(losses)) < 1e-8
    assert 0 < clipped < STEPS
    assert np.mean(losses[-source.batches :]) < np.mean(losses[: source.batches])
