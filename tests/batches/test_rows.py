import numpy as np
import pytest

from portnn.backends import tree_map
from portnn.batches import RowBatches
from portnn.models import RowBatch


@pytest.fixture
def rows(backend):
    """Ten rows whose targets tell which they are."""
    ids = np.arange(10)
    return tree_map(backend.asarray, RowBatch(np.stack([ids, -ids], axis=1) * 1.0, ids, ids * 0.5))


def epoch(source, backend, rng):
    """Batches of one epoch on the host."""
    return [tree_map(backend.to_host, source.next(rng)[0]) for _ in range(source.batches)]


def test_every_epoch_has_each_row_once_in_another_order(backend, rows, rng):
    source = RowBatches(rows, backend, batch_size=4, seed=3)
    assert (source.batches, source.tokens) == (3, 10 / 3)
    orders = []
    for _ in range(3):
        batches = epoch(source, backend, rng)
        assert [len(batch.targets) for batch in batches] == [4, 4, 2]
        ids = np.concatenate([batch.targets for batch in batches])
        assert sorted(ids.tolist()) == list(range(10))
        for batch in batches:
            assert batch.x[:, 0].tolist() == batch.targets.tolist()
            assert batch.weights.tolist() == (batch.targets * 0.5).tolist()
        orders.append(ids.tolist())
    assert len({tuple(order) for order in orders}) == 3
    again = RowBatches(rows, backend, batch_size=4, seed=3)
    assert np.concatenate([batch.targets for batch in epoch(again, backend, rng)]).tolist() == orders[0]
    other = RowBatches(rows, backend, batch_size=4, seed=4)
    assert np.concatenate([batch.targets for batch in epoch(other, backend, rng)]).tolist() != orders[0]


@pytest.mark.parametrize("done", [2, 3, 7])
def test_position_is_all_that_resume_needs(backend, rows, rng, done):
    source, other = (RowBatches(rows, backend, batch_size=4, seed=3) for _ in range(2))
    for _ in range(done):
        source.next(rng)
    other.position = source.position
    for _ in range(4):
        one, two = (tree_map(backend.to_host, walker.next(rng)[0]) for walker in (source, other))
        assert one.targets.tolist() == two.targets.tolist()


def test_without_shuffling_rows_come_as_they_stand(backend, rows, rng):
    batches = epoch(RowBatches(rows, backend, batch_size=3, shuffle=False), backend, rng)
    assert np.concatenate([batch.targets for batch in batches]).tolist() == list(range(10))


@pytest.mark.parametrize("size", [None, 10, 99])
def test_a_full_batch_is_the_table_itself(backend, rows, rng, size):
    source = RowBatches(rows, backend, batch_size=size)
    batch, starts = source.next(rng)
    assert batch.x is rows.x
    assert starts
    assert (source.batches, source.batch_size) == (1, 10)


def test_dropout_masks_have_the_shape_of_each_hidden_layer(backend, rows, rng):
    source = RowBatches(rows, backend, batch_size=4, hidden_sizes=(50, 60), rate=0.25)
    shapes = [tuple(mask.shape for mask in source.next(rng)[0].keep) for _ in range(3)]
    assert shapes == [((4, 50), (4, 60)), ((4, 50), (4, 60)), ((2, 50), (2, 60))]
    kept = np.mean([np.mean(source.next(rng)[0].keep[0]) for _ in range(60)])
    assert 0.72 < kept < 0.78
    assert RowBatches(rows, backend, batch_size=4, hidden_sizes=(50,)).next(rng)[0].keep == ()


@pytest.mark.host
@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_batch_sizes_that_are_none(backend, rows, size):
    with pytest.raises(ValueError, match=f"batch_size must be a positive whole number, got {size}"):
        RowBatches(rows, backend, batch_size=size)
