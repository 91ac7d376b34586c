from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import portnn
from portnn.backends import generator, tree_map
from portnn.estimators.sampling import draw
from portnn.models import LanguageBatch, RecurrentLM
from portnn.models.recurrent_stack import RecurrentStack
from portnn.ops import CELLS

TEXT = "to be or not to be, that is the question;\n" * 6


@pytest.fixture(scope="module")
def model(backend):
    return portnn.CharRNN("lstm", hidden_size=12, num_layers=2, seed=1, backend=backend).fit(
        TEXT, steps=20, batch_size=4, seq_length=12, learning_rate=0.03, held_out=0, progress=False
    )


def test_one_seed_one_text(model) -> None:
    first = model.sample(40, prime="to ", temperature=0.8, seed=7)
    assert first == model.sample(40, prime="to ", temperature=0.8, seed=7)
    assert first != model.sample(40, prime="to ", temperature=0.8, seed=8)
    assert first.startswith("to ")
    assert len(first) == 43
    assert set(first) <= set(TEXT)


@pytest.mark.parametrize("length", [0, 1])
def test_short_texts(model, length) -> None:
    assert model.sample(length, prime="to be")[:5] == "to be"
    assert len(model.sample(length, prime="to be")) == 5 + length
    assert len(model.sample(length)) == length


def test_temperature_zero_is_the_likeliest_whatever_the_seed(model) -> None:
    greedy = model.sample(30, temperature=0, seed=1)
    assert greedy == model.sample(30, temperature=0.0, seed=2)
    assert greedy == model.sample(30, temperature=1.0, top_k=1, seed=3)
    assert greedy == model.sample(30, temperature=1e-310, seed=4)


def test_the_prime_text_is_read_to_its_end(model, backend) -> None:
    """Sampling continues a text as the network does that is given all of it at once."""
    prime = "to be or not"
    ids = backend.asarray(model.vocabulary.encode(prime)[:, None])
    carry = tree_map(backend.asarray, model.model.initial_carry(1))
    logits, *_ = model.model.logits(model.params, LanguageBatch(ids, ids), carry, xp=backend.xp)
    expected = model.vocabulary.decode([int(np.argmax(backend.to_host(logits)[-1, 0]))])
    assert model.sample(1, prime=prime, temperature=0) == prime + expected


@pytest.mark.host
def test_it_ends_before_the_stop_text(model) -> None:
    whole = model.sample(200, seed=3)
    for stop in ("o", "\n", whole[20:23], whole[-2:], "never there"):
        assert model.sample(200, seed=3, stop=stop) == whole.partition(stop)[0]
    assert "".join(model.stream(200, seed=3, stop="\n")) == whole.partition("\n")[0]


@pytest.mark.host
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": -1}, "length must be 0 or a positive whole number, got -1"),
        ({"length": 2.5}, "length must be 0 or a positive whole number, got 2.5"),
        ({"length": True}, "length must be 0 or a positive whole number, got True"),
        *(
            ({"temperature": value}, "temperature must be 0 or a positive number")
            for value in (-0.1, math.nan, math.inf)
        ),
        *(({"top_k": value}, "top_k must be a positive whole number") for value in (0, -1, 1.5)),
        ({"stop": ""}, "stop must not be empty"),
        ({"seed": -1}, "seed must be 0 or a positive whole number, got -1"),
        ({"prime": "to bé"}, r"prime text has characters that the model has never seen: 'é' \(U\+00E9\)"),
    ],
)
def test_what_cannot_be_sampled_is_refused_at_once(model, settings, message) -> None:
    with pytest.raises(ValueError, match=message):
        model.stream(**{"length": 5, **settings})


@pytest.mark.host
def test_bytes_make_whole_characters(backend) -> None:
    text = "äöü€😀" * 40
    model = portnn.CharRNN("gru", hidden_size=24, level="byte", backend=backend).fit(
        text, steps=120, batch_size=4, seq_length=16, learning_rate=0.02, held_out=0, progress=False
    )
    text = "".join(model.stream(60, prime="ä", temperature=0))
    assert "ü€😀" in text
    assert "\N{REPLACEMENT CHARACTER}" not in text[:-1]
    # A stop text that ends in a character which never became whole is found too.
    cut = model.sample(1, prime="äöü", temperature=0, stop="\N{REPLACEMENT CHARACTER}")
    assert cut == "äöü"


def test_several_texts_at_once(model) -> None:
    texts = model.sample(40, prime="to ", temperature=0.8, seed=7, count=5)
    assert len(set(texts)) == 5
    assert {len(text) for text in texts} == {43}
    assert texts[0] == model.sample(40, prime="to ", temperature=0.8, seed=7)
    assert texts[:2] == model.sample(40, prime="to ", temperature=0.8, seed=7, count=2)
    assert model.sample(40, temperature=0, count=1) == [model.sample(40, temperature=0)]
    assert model.sample(0, prime="to", count=2) == ["to", "to"]


def test_each_text_ends_before_the_stop_text(model) -> None:
    whole = model.sample(120, seed=3, count=4)
    assert model.sample(120, seed=3, count=4, stop="o") == [text.partition("o")[0] for text in whole]


@pytest.mark.parametrize("cell", CELLS)
def test_a_step_at_a_time_is_the_whole_sequence(cell, backend, rng) -> None:
    """The logits that sampling draws from are those of training, for every cell."""
    xp, network = backend.xp, RecurrentLM(9, cell, 7, 2)
    params = tree_map(backend.asarray, network.init(rng))
    ids = rng.integers(0, 9, (6, 3))
    carry = tree_map(backend.asarray, tree_map(lambda zeros: rng.normal(size=zeros.shape), network.initial_carry(3)))
    batch = LanguageBatch(backend.asarray(ids), backend.asarray(ids))
    expected, final, _ = network.logits(params, batch, carry, xp=xp)
    step = network.stepper(params, backend.asarray(ids[0]), carry, xp=xp)
    for now, wanted in zip(ids, backend.to_host(expected), strict=True):
        logits, carry = step(backend.asarray(now), carry)
        assert np.allclose(backend.to_host(logits), wanted, rtol=1e-12, atol=1e-12)
    for after, wanted in zip(carry, final, strict=True):
        for one, other in zip(after, wanted, strict=True):
            assert np.allclose(backend.to_host(one), backend.to_host(other), rtol=1e-12, atol=1e-12)


@pytest.mark.host
def test_a_bidirectional_stack_takes_no_single_steps(backend, rng) -> None:
    stack = RecurrentStack("rnn", 3, 4, bidirectional=True)
    with pytest.raises(ValueError, match="a bidirectional stack needs the whole sequence"):
        stack.stepper(stack.init(rng), np.zeros((2, 3)), stack.initial_states(2), xp=np)


def test_sampling_follows_new_weights_and_a_move(model, backend) -> None:
    other = copy.deepcopy(model)
    before = other.sample(30, seed=1)
    other.params = {name: -1.0 * value for name, value in other.params.items()}
    assert other.sample(30, seed=1) != before
    assert other.to("numpy").sample(30, seed=1) == other.sample(30, seed=1, count=1)[0]


def test_a_model_can_be_pickled_while_and_after_it_is_sampled_from(model) -> None:
    pieces = model.stream(30, seed=1)
    first = next(pieces)
    again = pickle.loads(pickle.dumps(model))
    assert again.sample(30, seed=1) == first + "".join(pieces) == model.sample(30, seed=1)


@pytest.mark.host
def test_numbers_of_any_library_are_taken(model) -> None:
    assert model.sample(np.int64(5), temperature=np.float32(0.5), top_k=np.int8(3), seed=np.uint32(2)) == model.sample(
        5, temperature=0.5, top_k=3, seed=2
    )


@pytest.mark.host
def test_drawing_follows_the_probabilities() -> None:
    logits = np.log(np.array([[0.5, 0.2, 0.2, 0.1]]))
    uniform = generator(0).random(6_000)

    def shares(temperature: float, top_k: int | None = None) -> np.ndarray:
        rows = np.repeat(logits + 1000.0, 6_000, axis=0)
        return np.bincount(draw(rows, uniform, temperature, top_k), minlength=4) / 6_000

    for temperature in (0.5, 1.0, 2.0):
        expected = np.exp(logits[0] / temperature)
        assert np.allclose(shares(temperature), expected / expected.sum(), atol=0.025)
    assert np.allclose(shares(1.0, 1), [1, 0, 0, 0])
    assert np.allclose(shares(1.0, 2), [5 / 9, 2 / 9, 2 / 9, 0], atol=0.025)  # equals of the second stay
    assert np.allclose(shares(1.0, 99), [0.5, 0.2, 0.2, 0.1], atol=0.025)
    assert draw(np.array([[1.0, 3.0, 3.0], [5.0, 3.0, 3.0]]), np.zeros(2), 0.0).tolist() == [1, 0]


@pytest.mark.host
def test_each_row_is_drawn_by_its_own_number_and_its_own_largest() -> None:
    logits = np.log(np.array([[0.25, 0.25, 0.5], [0.0625, 0.0625, 0.875], [0.5, 0.25, 0.25]]))
    assert draw(logits, np.array([0.3, 0.0, 0.99]), 1.0).tolist() == [1, 0, 2]
    assert draw(logits, np.array([0.3, 0.0, 0.99]), 1.0, 1).tolist() == [2, 2, 0]


@pytest.mark.host
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite(bad) -> None:
    with pytest.raises(ValueError, match="logits are not finite"):
        draw(np.array([[0.0, 1.0], [0.0, bad]]), np.zeros(2), 1.0)
