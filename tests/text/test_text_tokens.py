"""Tokens of single texts, at every level."""

import re

import pytest

from portnn.text import TEXT_LEVELS, text_tokens
from portnn.text.token_levels import BYTES

pytestmark = pytest.mark.host

TEXT = "Isn't it Good?  100 %\tÉté\n"
RIGHT = {
    "word": ["Isn't", "it", "Good", "?", "100", "%", "Été"],
    "space": ["Isn't", "it", "Good?", "100", "%", "Été"],
    "char": list(TEXT),
    "byte": [chr(byte) for byte in TEXT.encode()],
}


@pytest.mark.parametrize("level", RIGHT)
def test_a_text_at_each_level(level):
    assert text_tokens(level)(TEXT) == RIGHT[level]
    assert text_tokens(level, lowercase=True)(TEXT) == (
        [chr(byte) for byte in TEXT.lower().encode()] if level == "byte" else [word.lower() for word in RIGHT[level]]
    )


def test_words_of_chinese():
    assert text_tokens("jieba")("我来到北京清华大学") == ["我", "来到", "北京", "清华大学"]


@pytest.mark.parametrize("level", [level for level in TEXT_LEVELS if level != "jieba"])
def test_a_text_without_words(level):
    tokens = text_tokens(level)
    assert tokens("") == []
    assert tokens(" \n") == ([" ", "\n"] if level in ("char", "byte") else [])


def test_every_byte_is_one_of_the_256():
    assert len(BYTES) == len(set(BYTES)) == 256
    assert set(text_tokens("byte")("naïve 中 🙂 \0")) <= set(BYTES)
    assert text_tokens("byte")("\ud800") == ["\xed", "\xa0", "\x80"]  # half of a surrogate pair


def test_lowercase_may_change_the_number_of_letters():
    assert text_tokens("char", lowercase=True)("İx") == ["i", "̇", "x"]


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match=re.escape(f"level is 'letter'; expected one of {', '.join(TEXT_LEVELS)}")):
        text_tokens("letter")
