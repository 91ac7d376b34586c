from __future__ import annotations

import random
import sys
from itertools import pairwise

import pytest

from portnn.text import LEVELS, count_tokens, tokenizer
from portnn.text.words import WORD_RULES

HARD = (
    "cafe\u0301 \u0906\u0927\u0941\u0928\u093f\u0915 e\u0301' a:\u0301\u0301b 3.14,5 \u05d0\"\u05d1' \u200d\U0001f600"
    "\U0001f1e6\U0001f1e7\U0001f1e8 \u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22. \u0301\u0301x_'_y\u202f'z' \x1c(...)"
)
TEXT = "To be,  or\tnot… \n\n 我来到北京清华大学。 c'est l'été?!\r\n  (x_1)=3.14 \U0001f600\U00020000 \u2028end "
STR_LEVELS = [level for level in LEVELS if level != "byte"]


def joined(level: str, tokens: list) -> str:  # type: ignore[type-arg]
    return b"".join(tokens).decode("utf-8", "surrogatepass") if level == "byte" else "".join(tokens)


def flat(level: str, chunks: list) -> list:  # type: ignore[type-arg]
    return [token for tokens in tokenizer(level).stream(chunks) for token in tokens]


@pytest.mark.parametrize("level", LEVELS)
def test_tokens_joined_are_the_text(level: str) -> None:
    assert joined(level, list(tokenizer(level).split(TEXT))) == TEXT
    assert list(tokenizer(level).split("")) == []


@pytest.mark.parametrize("level", LEVELS)
def test_streaming_equals_whole_wherever_the_text_is_cut(level: str) -> None:
    whole = list(tokenizer(level).split(TEXT))
    for place in range(len(TEXT) + 1):
        assert flat(level, [TEXT[:place], TEXT[place:]]) == whole
    assert flat(level, list(TEXT)) == whole
    assert flat(level, ["", TEXT, ""]) == whole
    assert flat(level, []) == []


@pytest.mark.parametrize("rules", WORD_RULES)
def test_marks_and_joiners_at_the_end_of_a_chunk(rules: str) -> None:
    words = tokenizer("word", rules)
    whole = list(words.split(HARD))
    assert "".join(whole) == HARD
    for first in range(len(HARD) + 1):
        for second in range(first, len(HARD) + 1):
            chunks = [HARD[:first], HARD[first:second], HARD[second:]]
            assert [token for tokens in words.stream(chunks) for token in tokens] == whole


@pytest.mark.parametrize("level", LEVELS)
def test_random_texts_cut_at_random(level: str) -> None:
    rng = random.Random(7)
    alphabet = "ab 1_,.' \n\t\r我来北京\u0301\xa0\U0001f600é"
    for _ in range(200):
        text = "".join(rng.choices(alphabet, k=rng.randrange(40)))
        places = sorted(rng.choices(range(len(text) + 1), k=4))
        bounds = [0, *places, len(text)]
        chunks = [text[a:b] for a, b in pairwise(bounds)]
        whole = list(tokenizer(level).split(text))
        assert flat(level, chunks) == whole
        assert joined(level, whole) == text


@pytest.mark.parametrize("level", LEVELS)
def test_no_list_of_a_stream_is_empty(level: str) -> None:
    assert all(len(tokens) for tokens in tokenizer(level).stream(["", "a", "b c", "\n", "", "d"]))


@pytest.mark.parametrize(("level", "run"), [("word", 1000), ("jieba", 1 << 16)])
def test_a_run_without_end_is_cut_the_same_in_a_stream(level: str, run: int) -> None:
    text = "x" * (2 * run) + "\n" + "y" * (run + 1) + "\n" + "z" * run
    whole = list(tokenizer(level).split(text))
    assert max(map(len, whole)) == run
    assert "".join(whole) == text
    for step in (run - 1, run, run + 1, 3 * run):
        assert flat(level, [text[i : i + step] for i in range(0, len(text), step)]) == whole


def test_word() -> None:
    tokens = list(tokenizer("word").split("To be,  or\n not!? x_1 (é)我们"))
    assert tokens == ["To", " be", ",", " ", " or", "\n", " not", "!?", " x_1", " (", "é", ")", "我", "们"]


def test_char_and_byte() -> None:
    assert list(tokenizer("char").split("aé\U0001f600")) == ["a", "é", "\U0001f600"]
    assert list(tokenizer("byte").split("é")) == [b"\xc3", b"\xa9"]
    assert list(tokenizer("byte").split(b"\xff\x00")) == [b"\xff", b"\x00"]


def test_lone_surrogates_pass_at_level_char() -> None:
    assert list(tokenizer("char").split("a\ud800")) == ["a", "\ud800"]
    assert count_tokens("char", [["\ud800"]]) == {"\ud800": 1}


def test_jieba_knows_words() -> None:
    assert list(tokenizer("jieba").split("我来到北京清华大学")) == ["我", "来到", "北京", "清华大学"]


def test_jieba_missing_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rjieba", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        tokenizer("jieba").split("我")
    assert str(caught.value) == ('level jieba needs the package rjieba: python -m pip install "portnn[chinese]"')


@pytest.mark.parametrize("level", ["chars", "", None, 3, ["char"]])
def test_an_unknown_level_lists_the_known_ones(level: object) -> None:
    with pytest.raises(ValueError, match=r"expected one of char, byte, word, jieba$") as caught:
        tokenizer(level)  # type: ignore[arg-type]
    assert f"level is {level!r};" in str(caught.value)


@pytest.mark.parametrize("level", STR_LEVELS)
def test_bytes_are_for_level_byte(level: str) -> None:
    with pytest.raises(TypeError, match=f"^level {level} takes str, not bytes"):
        tokenizer(level).split(b"x")


@pytest.mark.parametrize("level", LEVELS)
def test_counts_are_those_of_a_plain_loop(level: str) -> None:
    expected: dict[object, int] = {}
    for text in (TEXT, "a b"):
        for token in tokenizer(level).split(text):
            expected[token] = expected.get(token, 0) + 1
    assert count_tokens(level, [[TEXT[:17], TEXT[17:]], ["a", " b"]]) == expected
