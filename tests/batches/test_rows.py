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


def epoch(source, backend, number=0):
    """Batches of one epoch on the host."""
    positions = range(number * source.batches, (number + 1) * source.batches)
    return [tree_map(backend.to_host, source.at(position).data) for position in positions]


def test_every_epoch_has_each_row_once_in_another_order(backend, rows):
    source = RowBatches(rows, backend, batch_size=4, seed=3)
    assert (source.batches, source.tokens) == (3, 10 / 3)
    orders = []
    for number in range(3):
        batches = epoch(source, backend, number)
        assert [len(batch.targets) for batch in batches] == [4, 4, 2]
        ids = np.concatenate([batch.targets for batch in batches])
        assert sorted(ids.tolist()) == list(range(10))
        for batch in batches:
            assert batch.x[:, 0].tolist() == batch.targets.tolist()
            assert batch.weights.tolist() == (batch.targets * 0.5).tolist()
        orders.append(ids.tolist())
    assert len({tuple(order) for order in orders}) == 3
    again = RowBatches(rows, backend, batch_size=4, seed=3)
    assert np.concatenate([batch.targets for batch in epoch(again, backend)]).tolist() == orders[0]
    other = RowBatches(rows, backend, batch_size=4, seed=4)
    assert np.concatenate([batch.targets for batch in epoch(other, backend)]).tolist() != orders[0]


@pytest.mark.parametrize("done", [2, 3, 7])
def test_position_is_all_that_resume_needs(backend, rows, done):
    source, other = (RowBatches(rows, backend, batch_size=4, seed=3) for _ in range(2))
    for position in range(done):
        source.at(position)
    for position in range(done, done + 4):
        one, two = (tree_map(backend.to_host, made.at(position).data) for made in (source, other))
        assert one.targets.tolist() == two.targets.tolist()


def test_without_shuffling_rows_come_as_they_stand(backend, rows):
    batches = epoch(RowBatches(rows, backend, batch_size=3, shuffle=False), backend)
    assert np.concatenate([batch.targets for batch in batches]).tolist() == list(range(10))


@pytest.mark.parametrize("size", [None, 10, 99])
def test_a_full_batch_is_the_table_itself(backend, rows, size):
    source = RowBatches(rows, backend, batch_size=size)
    batch, terms, starts, *_ = source.at(0)
    assert batch.x is rows.x
    assert (terms, starts) == (1.0, True)
    assert (source.batches, source.batch_size) == (1, 10)


def test_an_epoch_starts_with_its_first_batch(backend, rows):
    source = RowBatches(rows, backend, batch_size=4)
    assert [source.at(position).starts for position in range(7)] == [True, False, False] * 2 + [True]


def test_dropout_masks_have_the_shape_of_each_hidden_layer(backend, rows):
    source = RowBatches(rows, backend, batch_size=4, hidden_sizes=(50, 60), dropout=0.25)
    shapes = [tuple(mask.shape for mask in source.at(position).data.keep) for position in range(3)]
    assert shapes == [((4, 50), (4, 60)), ((4, 50), (4, 60)), ((2, 50), (2, 60))]
    masks = [source.at(position).data.keep[0] for position in range(60)]
    assert len({mask.tobytes() for mask in masks}) == 60
    kept = np.mean([np.mean(mask) for mask in masks])
    assert 0.72 < kept < 0.78
    assert RowBatches(rows, backend, batch_size=4, hidden_sizes=(50,)).at(0).data.keep == ()


@pytest.mark.host
@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_batch_sizes_that_are_none(backend, rows, size):
    with pytest.raises(ValueError, match=f"batch_size must be a positive whole number, got {size}"):
        RowBatches(rows, backend, batch_size=size)
