from __future__ import annotations

import math

import numpy as np
import pytest

import portnn
from portnn.backends import generator
from portnn.estimators.sampling import draw

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
    from portnn.backends import tree_map
    from portnn.models import LanguageBatch

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
        ({"length": -1}, "length must be a whole number, 0 or more, got -1"),
        ({"length": 2.5}, "length must be a whole number"),
        ({"length": True}, "length must be a whole number"),
        *(({"temperature": value}, "temperature must be 0 or more") for value in (-0.1, math.nan, math.inf)),
        *(({"top_k": value}, "top_k must be a positive whole number") for value in (0, -1, 1.5)),
        ({"stop": ""}, "stop must not be empty"),
        ({"seed": -1}, "seed must not be negative"),
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


@pytest.mark.host
def test_drawing_follows_the_probabilities() -> None:
    logits = np.log(np.array([0.5, 0.2, 0.2, 0.1]))
    rng = generator(0)

    def shares(temperature: float, top_k: int | None = None) -> np.ndarray:
        return np.bincount([draw(logits + 1000.0, temperature, top_k, rng) for _ in range(6_000)], minlength=4) / 6_000

    for temperature in (0.5, 1.0, 2.0):
        expected = np.exp(logits / temperature)
        assert np.allclose(shares(temperature), expected / expected.sum(), atol=0.025)
    assert np.allclose(shares(1.0, 1), [1, 0, 0, 0])
    assert np.allclose(shares(1.0, 2), [5 / 9, 2 / 9, 2 / 9, 0], atol=0.025)  # equals of the second stay
    assert np.allclose(shares(1.0, 99), [0.5, 0.2, 0.2, 0.1], atol=0.025)
    assert draw(np.array([1.0, 3.0, 3.0]), 0.0, None, rng) == 1


@pytest.mark.host
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite(bad) -> None:
    with pytest.raises(ValueError, match="logits are not finite"):
        draw(np.array([0.0, bad]), 1.0, None, generator(0))
