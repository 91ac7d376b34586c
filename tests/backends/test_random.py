"""Random numbers are drawn on the host, whatever the library."""

import json

import numpy as np
import pytest

from portnn.backends import generator, generator_from_json, keep_mask, seed_of, state_to_json

pytestmark = pytest.mark.host


def test_a_seed_gives_the_same_numbers_again():
    first, second, other = (generator(seed).normal(size=5) for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_numbers_of_a_seed_never_change():
    """They are written down here because checkpoints and parity rest on them."""
    assert generator(0).integers(0, 1000, 5).tolist() == [850, 636, 511, 269, 307]


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (1.5, ValueError), (True, ValueError), ("1", TypeError)])
def test_what_is_no_seed_is_refused(seed, error):
    with pytest.raises(error, match=rf"^seed must be 0 or a positive whole number, got {seed!r}$"):
        generator(seed)


def test_a_seed_may_be_a_number_of_any_library():
    assert seed_of(np.uint8(7)) == 7
    assert type(seed_of(np.uint8(7))) is int
    assert generator(np.int64(7)).random() == generator(7).random()


def test_without_a_seed_one_is_drawn():
    drawn = [seed_of(None) for _ in range(4)]
    assert len(set(drawn)) > 1
    assert all(0 <= seed < 1 << 32 for seed in drawn)
    assert generator(None).random() != generator(None).random()


def test_a_state_goes_through_json_and_goes_on_where_it_left_off():
    rng = generator(5)
    rng.normal(size=7)
    rng.random(3, dtype=np.float32)  # leaves half a word in the generator
    state = json.loads(json.dumps(state_to_json(rng)))
    again = generator_from_json(state)
    assert np.array_equal(rng.random(5, dtype=np.float32), again.random(5, dtype=np.float32))
    assert np.array_equal(rng.normal(size=20), again.normal(size=20))


def test_a_saved_state_does_not_move_on_with_its_generator():
    rng = generator(5)
    state = state_to_json(rng)
    before = json.dumps(state)
    rng.normal(size=3)
    assert json.dumps(state) == before


def test_states_of_other_generators_are_refused():
    with pytest.raises(TypeError, match=r"^only PCG64 states can be saved, got MT19937$"):
        state_to_json(np.random.Generator(np.random.MT19937(0)))


def test_a_keep_mask_is_of_float32_ones_and_zeros_in_the_proportion_asked_for():
    mask = keep_mask(generator(0), (300, 400), 0.2)
    assert mask.shape == (300, 400)
    assert mask.dtype == np.float32
    assert set(np.unique(mask)) == {0.0, 1.0}
    assert abs(mask.mean() - 0.8) < 0.01


def test_rate_zero_keeps_everything():
    assert keep_mask(generator(0), (100, 100), 0.0).all()
