from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from portnn.text import LEVELS, UNKNOWN, StreamDecoder, Vocabulary

TEXT = "the cat, the hat\n我来到北京 the\U0001f600é cat"


@pytest.mark.parametrize("level", LEVELS)
def test_round_trip(level: str) -> None:
    vocabulary = Vocabulary.from_text(TEXT, level)
    ids = vocabulary.encode(TEXT)
    assert ids.dtype == np.int64
    assert ids.ndim == 1
    assert vocabulary.decode(ids) == TEXT
    assert vocabulary.decode(ids.astype(np.uint8).tolist()) == TEXT
    assert vocabulary.encode("").shape == (0,)
    assert vocabulary.encode("").dtype == np.int64
    assert vocabulary.decode([]) == ""
    assert vocabulary.unknown_in(TEXT) == []


@pytest.mark.parametrize("level", LEVELS)
def test_ids_are_indices(level: str) -> None:
    vocabulary = Vocabulary.from_text(TEXT, level)
    for i in vocabulary.encode(TEXT).tolist():
        token = vocabulary.tokens[i]
        shown = token.decode("utf-8", "replace") if isinstance(token, bytes) else token
        assert vocabulary.decode([i]) == shown


def test_order_is_by_count_and_then_by_code_point() -> None:
    assert Vocabulary.from_text("bbaaccc\U0001f600我éz").tokens == (
        "c",
        "a",
        "b",
        "z",
        "é",
        "我",
        "\U0001f600",
    )
    assert Vocabulary.from_text("b b a a c", "word").tokens == (" a", " b", " c", "b")
    assert Vocabulary.from_text("zz", "byte").tokens == tuple(bytes((i,)) for i in range(256))


def test_min_count_drops_tokens_and_adds_the_unknown_token() -> None:
    full = Vocabulary.from_text("aaabbc")
    assert (len(full), full.unknown_id) == (3, None)
    some = Vocabulary.from_text("aaabbc", min_count=2)
    assert some.tokens == ("a", "b")
    assert (len(some), some.unknown, some.unknown_id) == (3, True, 2)
    assert some.encode("abcz").tolist() == [0, 1, 2, 2]
    assert some.decode([0, 2]) == "a" + UNKNOWN == "a\ufffd"
    assert some.unknown_in("zcaz\U0001f600") == ["z", "c", "\U0001f600"]
    assert Vocabulary.from_text("aabb", min_count=np.int64(2)).unknown is False


@pytest.mark.parametrize("level", ["word", "jieba"])
def test_levels_of_words_always_have_an_unknown_token(level: str) -> None:
    vocabulary = Vocabulary.from_text(" a b", level)
    assert vocabulary.unknown_id == len(vocabulary.tokens) == len(vocabulary) - 1
    assert vocabulary.encode("zzz a").tolist()[0] == vocabulary.unknown_id
    assert vocabulary.unknown_in("zzz a yyy\n") == (["zzz", " yyy", "\n"] if level == "word" else ["zzz", "yyy", "\n"])
    assert vocabulary.decode(vocabulary.encode("zzz")) == UNKNOWN


def test_level_byte_encodes_anything() -> None:
    vocabulary = Vocabulary.from_text("a", "byte")
    assert (len(vocabulary), vocabulary.unknown) == (256, False)
    assert vocabulary.encode(b"\x00\xff").tolist() == [0, 255]
    assert vocabulary.encode("é").tolist() == [0xC3, 0xA9]
    assert vocabulary.decode([0xC3, 0xA9, 0xC3]) == "é\ufffd"
    assert vocabulary.unknown_in(bytes(range(256))) == []


def test_an_unknown_character_is_named() -> None:
    vocabulary = Vocabulary.from_text("abc")
    with pytest.raises(ValueError, match=r"has never seen") as caught:
        vocabulary.encode("aéb\U0001f600é", noun="prime text")
    assert str(caught.value) == (
        "prime text has characters that the model has never seen: 'é' (U+00E9), '\U0001f600' (U+1F600)"
    )
    with pytest.raises(ValueError, match=r"^text has .*: 'z' \(U\+007A\), 'y' .*, 'v' \(U\+0076\) and 1 other$"):
        vocabulary.encode("zyxwvu")
    with pytest.raises(ValueError, match=r" and 3 others$"):
        vocabulary.encode("zyxwvuts")
    assert vocabulary.unknown_in("zaéz") == ["z", "é"]


def test_an_unknown_character_late_in_a_long_text_is_named() -> None:
    vocabulary = Vocabulary.from_text("ab")
    long = "ab" * (1 << 20)
    assert vocabulary.encode(long).tolist()[-3:] == [1, 0, 1]
    with pytest.raises(ValueError, match=r"'!'"):
        vocabulary.encode(long + "!")


def test_characters_below_between_and_beyond_the_known_ones_are_unknown() -> None:
    vocabulary = Vocabulary.from_text("bdbd")
    for strange in "ace\0\U0010ffff":
        assert vocabulary.unknown_in("b" + strange + "d") == [strange]


def test_more_than_256_characters() -> None:
    text = "".join(map(chr, range(1000, 1256)))
    assert Vocabulary.from_text(text).id_dtype == np.uint8
    assert Vocabulary.from_text(text).unknown_in("a") == ["a"]
    assert Vocabulary.from_text(text + "a").id_dtype == np.uint16
    assert Vocabulary.from_text(text * 2 + "a", min_count=2).id_dtype == np.uint16
    assert Vocabulary.from_text(text + "a").decode([256, 0, 255]) == chr(1255) + "a" + chr(1254)


@pytest.mark.parametrize(
    ("min_count", "error", "message"),
    [
        (0, ValueError, "^min_count is 0; expected 1 or more$"),
        (-3, ValueError, "^min_count is -3; expected 1 or more$"),
        (2.0, TypeError, r"^min_count is 2\.0; expected a whole number, 1 or more$"),
        (True, TypeError, "^min_count is True; expected a whole number"),
        ("2", TypeError, "^min_count is '2'; expected a whole number"),
        (4, ValueError, "^min_count 4 drops every character; the highest min_count that keeps one is 3$"),
    ],
)
def test_min_count_is_checked(min_count: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Vocabulary.from_text("aaabb", min_count=min_count)
    assert Vocabulary.from_text("aaabb", min_count=3).tokens == ("a",)


def test_min_count_has_no_meaning_for_bytes() -> None:
    with pytest.raises(ValueError, match=r"^min_count is 2; level byte always keeps its 256 tokens"):
        Vocabulary.from_text("aab", "byte", 2)


@pytest.mark.parametrize("level", LEVELS)
def test_decode_checks_ids(level: str) -> None:
    vocabulary = Vocabulary.from_text(TEXT, level)
    last = len(vocabulary) - 1
    for bad in (-1, last + 1, 10**6):
        with pytest.raises(ValueError, match=rf"^decode: id {bad} is not in 0\.\.{last}, the ids"):
            vocabulary.decode([0, bad, 1])
        with pytest.raises(ValueError, match=rf"^decode: id {bad} is not in 0\.\.{last}, the ids"):
            StreamDecoder(vocabulary).feed(bad)
    for wrong in ([0.0], [True], ["a"]):
        with pytest.raises(TypeError, match=r"^decode: ids have dtype .*; expected integers$"):
            vocabulary.decode(wrong)
    with pytest.raises(ValueError, match=r"^decode: ids have shape \(1, 2\); expected one axis$"):
        vocabulary.decode([[0, 1]])
    with pytest.raises(TypeError, match=r"float"):
        StreamDecoder(vocabulary).feed(1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", LEVELS)
def test_json_round_trip(level: str) -> None:
    vocabulary = Vocabulary.from_text(TEXT + "\ud800" * (level == "char"), level)
    for each in (vocabulary, Vocabulary.from_text("aab aab aab", level, 1 if level == "byte" else 2)):
        text = json.dumps(each.to_json())
        assert text.isascii()
        back = Vocabulary.from_json(json.loads(text))
        assert back == each
        assert hash(back) == hash(each)
        assert (back.level, back.tokens, back.unknown) == (level, each.tokens, each.unknown)


def test_equality_sees_level_tokens_and_unknown() -> None:
    base = Vocabulary("char", ("a", "b"))
    assert base == Vocabulary("char", ("a", "b"))
    assert base != Vocabulary("char", ("b", "a"))
    assert base != Vocabulary("char", ("a", "b"), unknown=True)
    assert Vocabulary("word", ("a", "b"), True) != Vocabulary("jieba", ("a", "b"), True)


def test_immutable() -> None:
    vocabulary = Vocabulary.from_text("ab")
    vocabulary.encode("ab")
    with pytest.raises(FrozenInstanceError):
        vocabulary.level = "byte"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected a JSON object, not list"),
        (None, "expected a JSON object, not NoneType"),
        ({}, "level is ''; expected one of char"),
        ({"level": "letters", "tokens": ["a"], "unknown": False}, "level is 'letters'"),
        ({"level": ["char"], "tokens": ["a"], "unknown": False}, "level is"),
        ({"level": "char", "tokens": ["a"]}, "keys are .*; expected .*'unknown'"),
        ({"level": "char", "tokens": ["a"], "unknown": False, "x": 1}, "keys are"),
        ({"level": "char", "tokens": "ab", "unknown": False}, "tokens are str; expected a list"),
        ({"level": "char", "tokens": [], "unknown": False}, "no tokens"),
        ({"level": "char", "tokens": ["ab"], "unknown": False}, "'ab' at level char; expected one character"),
        ({"level": "char", "tokens": [""], "unknown": False}, "'' at level char"),
        ({"level": "char", "tokens": [7], "unknown": False}, "token 7 at"),
        ({"level": "char", "tokens": [["a"]], "unknown": False}, "token .* at level char"),
        ({"level": "char", "tokens": ["a", "b", "a"], "unknown": False}, "'a' occurs more than once"),
        ({"level": "char", "tokens": ["a"], "unknown": 1}, "unknown is 1; expected true or false"),
        ({"level": "word", "tokens": [""], "unknown": True}, "'' at level word; expected a text"),
        ({"level": "word", "tokens": ["a"], "unknown": False}, "level word always has an unknown token"),
        ({"level": "byte", "tokens": ["a"], "unknown": False}, "keys are"),
    ],
)
def test_invalid_data_is_rejected_on_load(data: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Vocabulary.from_json(data)  # type: ignore[arg-type]


def test_a_vocabulary_of_bytes_is_fixed() -> None:
    with pytest.raises(ValueError, match=r"the tokens of level byte must be the 256 bytes in order"):
        Vocabulary("byte", (b"a",))
    with pytest.raises(ValueError, match=r"level byte never has an unknown token"):
        Vocabulary("byte", tuple(bytes((i,)) for i in range(256)), unknown=True)


@pytest.mark.parametrize("level", LEVELS)
def test_stream_decoder_gives_what_decode_gives(level: str) -> None:
    vocabulary = Vocabulary.from_text(TEXT, level)
    ids = vocabulary.encode(TEXT)
    decoder = StreamDecoder(vocabulary)
    for _ in range(2):  # finish resets the decoder
        assert "".join([decoder.feed(i) for i in ids]) + decoder.finish() == TEXT


def test_stream_decoder_holds_back_incomplete_characters() -> None:
    decoder = StreamDecoder(Vocabulary.from_text("a", "byte"))
    assert [decoder.feed(i) for i in "é我".encode()] == ["", "é", "", "", "我"]
    assert [decoder.feed(0xE6), decoder.finish()] == ["", "\ufffd"]
    assert decoder.feed(ord("a")) == "a"


def test_stream_decoder_on_random_bytes() -> None:
    vocabulary = Vocabulary.from_text("a", "byte")
    rng = np.random.default_rng(3)
    for high in (256, 0xC8):
        for _ in range(100):
            ids = rng.integers(0x70, high, 12)
            decoder = StreamDecoder(vocabulary)
            assert "".join([decoder.feed(i) for i in ids]) + decoder.finish() == vocabulary.decode(ids)
