"""What a word is: Unicode Standard Annex 29, with runs of symbols and of scripts without spaces."""

# ruff: noqa: RUF001 - scripts of the world

from __future__ import annotations

import random

import pytest

import portnn.text.words as words_module
from portnn.text.words import MAX_LINE, MAX_WORD, PieceCache, UnicodeWords, word_rules

pytestmark = pytest.mark.host

RULES = UnicodeWords()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("आधुनिक", ["आधुनिक"]),
        ("हिन्दी।", ["हिन्दी", "।"]),
        ("தமிழ்", ["தமிழ்"]),
        ("cafe\u0301s", ["cafe\u0301s"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ('צה"ל', ['צה"ל']),
        ("ר'", ["ר'"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("a\u00adb", ["a\u00adb"]),
        ("한국어", ["한국어"]),
        ("\u1112\u1161\u11ab", ["\u1112\u1161\u11ab"]),  # Hangul in single letters
        ("カタカナー", ["カタカナー"]),
        ("漢字と", ["漢", "字", "と"]),
        ("葛\U000e0100", ["葛\U000e0100"]),  # with a variation selector
        ("ภาษาไทย", ["ภาษาไทย"]),
        ("ลาว123ລາວ", ["ลาว", "123", "ລາວ"]),
        ("ភាសា\u200bខ្មែរ។", ["ភាសា", "\u200b", "ខ្មែរ", "។"]),
        ("မြန်မာဘာသာ", ["မြန်မာဘာသာ"]),
        ("👨\u200d👩\u200d👧👍🏽", ["👨\u200d👩\u200d👧", "👍🏽"]),
        ("🇩🇪🇫🇷🇩", ["🇩🇪", "🇫🇷", "🇩"]),
        ("❤️!", ["❤️", "!"]),
        ("don't", ["don't"]),
        ("l’été", ["l’été"]),
        ("'all'", ["'", "all", "'"]),
        ("'été'", ["'", "été", "'"]),
        ("3.14,", ["3.14", ","]),
        ("1,000.5m", ["1,000.5m"]),
        ("U.S.A.", ["U.S.A", "."]),
        ("foo_bar(x_1)", ["foo_bar", "(", "x_1", ")"]),
        ("wait...?!", ["wait", "...?!"]),
        ("--…»", ["--…»"]),
        ("x²", ["x", "²"]),
        ("\u0301a", ["\u0301", "a"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert list(RULES.words(text)) == words


def test_ascii_follows_the_same_rules() -> None:
    rng = random.Random(3)
    letters = [chr(code) for code in range(128) if not chr(code).isspace()]
    kinds = "ab09_:.,;'\"-"
    for alphabet in (letters, kinds):
        for _ in range(20_000):
            text = "".join(rng.choices(alphabet, k=rng.randrange(1, 10)))
            assert words_module._ASCII_WORD.findall(text) == words_module._unicode_word().findall(text), text


def test_tokens_are_the_words_and_the_whitespace() -> None:
    rng = random.Random(4)
    for alphabet in ("ab9_.,' \n\t\x1c", "ab9_.,' \n\t\x1cé\u0301\u2028\u202fह\u093fก漢😀"):
        for _ in range(5000):
            text = "".join(rng.choices(alphabet, k=rng.randrange(12)))
            tokens = RULES.tokens(text)
            assert "".join(tokens) == text
            found = [word for piece in text.split() for word in RULES.words(piece)]
            assert [token.strip() for token in tokens if not token.isspace()] == found
            assert all(token.isspace() or token.strip() in (token, token[1:]) for token in tokens)


@pytest.mark.parametrize("letter", ["x", "é", "e\u0301", "e\u0323\u0301", "ก", "'", "漢"])
def test_a_word_without_end_is_cut(letter: str) -> None:
    for count in (MAX_WORD, MAX_WORD + 1, MAX_LINE, 2 * MAX_LINE + 3):
        text = letter * count
        words = list(RULES.words(text))
        assert "".join(words) == text
        assert RULES.tokens(" " + text) == [" " + words[0], *words[1:]]
        assert max(map(len, words)) <= MAX_WORD * len(letter)
        if count < MAX_LINE:
            assert not any(word.startswith(("\u0301", "\u0323")) for word in words)


def test_more_distinct_pieces_than_the_cache_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words_module, "_MAX_CACHED", 3)
    monkeypatch.setattr(words_module, "_MAX_CACHED_LENGTH", 5)
    pieces = PieceCache(RULES.words)
    for text in ("A,", "b", "c", "d", "longer"):
        assert pieces[text] == tuple(RULES.words(text))
        assert len(pieces) <= 3
    assert "longer" not in pieces


def test_rules_have_names() -> None:
    assert list(word_rules("runs").words("cafe\u0301...")) == ["cafe", "\u0301..."]
    for name in ("none", None, ["uax29"], "x" * 1000):
        with pytest.raises(ValueError, match=r"^unknown rules of words .{0,110}; known: uax29, runs$"):
            word_rules(name)  # type: ignore[arg-type]
