"""Generated text: words, tokens at any chunking, ids and back, given sentences, compressed and marked files."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
from functools import cache
from itertools import pairwise

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from portnn.text import LEVELS, Sentences, Vocabulary, as_sentences, count_words, decode_chunks, read_corpus, tokenizer
from portnn.text.paths import names_path
from portnn.text.sources import open_sources
from portnn.text.words import WORD_RULES, word_rules

KINDS = [
    "Extend",
    "ZWJ",
    "Format",
    "Katakana",
    "Hebrew_Letter",
    "ALetter",
    "Single_Quote",
    "Double_Quote",
    "MidNumLet",
    "MidLetter",
    "MidNum",
    "Numeric",
    "ExtendNumLet",
    "Regional_Indicator",
]
PATTERNS = {kind: regex.compile(rf"(?V1s)\p{{Word_Break={kind}}}") for kind in KINDS}
PICTURE = regex.compile(r"\p{Extended_Pictographic}")
LETTERS = {"ALetter", "Hebrew_Letter"}
DIFFICULT = (
    "aZ09_:.',;\"-!# \n\t\r\x1c\u2028\u0301\u200d\u200c\u00ad\u05d0\u05d1\u2019\u30ab\u30fc\u3042\u6f22"
    "\U0001f1e6\U0001f600\u2139\u00a9\U0001f3fd\u093f\u0928\u0e01\u0e31\u1781\u17d2\u00b2\u24b6\u02c2\u200b"
    "\ufeff\uac00\u0661\u066b\u202f\u2024"
)
texts = st.one_of(st.text(max_size=30), st.text(st.sampled_from(DIFFICULT), max_size=12))
plain = texts.filter(lambda text: "\r" not in text and not text.startswith("\ufeff") and not names_path(text))


@cache
def kind_of(character: str) -> str:
    return next((kind for kind, pattern in PATTERNS.items() if pattern.match(character)), "Other")


def boundaries(text: str) -> list[int]:
    """Word boundaries inside a text without whitespace, rule by rule as the annex lists them."""
    kinds = [kind_of(character) for character in text]
    places = [i for i, kind in enumerate(kinds) if i == 0 or kind not in ("Extend", "Format", "ZWJ")]  # WB4
    found = []
    for number, place in enumerate(places[1:], start=1):
        left, right = kinds[places[number - 1]], kinds[place]
        before = kinds[places[number - 2]] if number > 1 else ""
        after = kinds[places[number + 1]] if number + 1 < len(places) else ""
        flags = 0
        while number - 1 - flags >= 0 and kinds[places[number - 1 - flags]] == "Regional_Indicator":
            flags += 1
        middles = {"MidNumLet", "Single_Quote"}
        together = (
            (kinds[place - 1] == "ZWJ" and PICTURE.match(text[place])),  # WB3c
            (left in LETTERS and right in LETTERS),  # WB5
            (left in LETTERS and right in middles | {"MidLetter"} and after in LETTERS),  # WB6
            (before in LETTERS and left in middles | {"MidLetter"} and right in LETTERS),  # WB7
            (left == "Hebrew_Letter" and right == "Single_Quote"),  # WB7a
            (left == "Hebrew_Letter" and right == "Double_Quote" and after == "Hebrew_Letter"),  # WB7b
            (before == "Hebrew_Letter" and left == "Double_Quote" and right == "Hebrew_Letter"),  # WB7c
            (left in LETTERS | {"Numeric"} and right == "Numeric"),  # WB8, WB9
            (left == "Numeric" and right in LETTERS),  # WB10
            (before == "Numeric" and left in middles | {"MidNum"} and right == "Numeric"),  # WB11
            (left == "Numeric" and right in middles | {"MidNum"} and after == "Numeric"),  # WB12
            (left == right == "Katakana"),  # WB13
            (left in LETTERS | {"Numeric", "Katakana", "ExtendNumLet"} and right == "ExtendNumLet"),  # WB13a
            (left == "ExtendNumLet" and right in LETTERS | {"Numeric", "Katakana"}),  # WB13b
            (left == right == "Regional_Indicator" and flags % 2 == 1),  # WB15, WB16
        )
        if not any(together):
            found.append(place)
    return found


def run_of(segment: str) -> str | None:
    """Which of the two kinds of runs a segment is part of, if any."""
    first = segment[0]
    if regex.match(r"\p{Line_Break=SA}", first):
        return "dictionary"
    in_words = LETTERS | {"Katakana", "Numeric", "ExtendNumLet", "Regional_Indicator"}
    symbol = kind_of(first) not in in_words and not regex.match(r"[\w\p{N}]|\p{Extended_Pictographic}", first)
    return "symbols" if symbol else None


@given(texts)
@example("a\u0301:\u0301b'1,2")
def test_words_are_those_of_the_annex(text: str) -> None:
    for piece in text.split():
        ends = [0, *boundaries(piece), len(piece)]
        segments = [piece[start:stop] for start, stop in pairwise(ends)]
        expected: list[str] = []
        last = None
        for segment in segments:
            run = run_of(segment)
            if run is not None and run == last:
                expected[-1] += segment
            else:
                expected.append(segment)
            last = run
        assert list(word_rules("uax29").words(piece)) == expected


@given(texts, st.lists(st.integers(0, 30), max_size=4))
def test_tokens_are_the_text_wherever_it_is_cut(text: str, places: list[int]) -> None:
    ends = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    chunks = [text[start:stop] for start, stop in pairwise(ends)]
    for level in LEVELS:
        for rules in WORD_RULES if level == "word" else ("uax29",):
            tokens = tokenizer(level, rules)
            whole = list(tokens.split(text))
            assert [token for some in tokens.stream(chunks) for token in some] == whole
            joined = b"".join(whole) if level == "byte" else "".join(whole)  # type: ignore[arg-type]
            assert joined == (text.encode() if level == "byte" else text)


@given(texts)
def test_ids_become_the_text_again(text: str) -> None:
    for level in LEVELS:
        for rules in WORD_RULES if level == "word" else ("uax29",):
            tokens = tuple(dict.fromkeys(tokenizer(level, rules).split(text)))
            if not tokens or level == "byte":
                continue
            known = Vocabulary(level, tokens, level != "char", rules)
            assert known.decode(known.encode(text)) == text
            assert Vocabulary.from_json(known.to_json()) == known


@given(plain)
def test_sentences_are_lines_of_words(text: str) -> None:
    expected = [
        words for line in text.split("\n") if (words := [w for p in line.split() for w in word_rules("uax29").words(p)])
    ]
    assert list(Sentences(text, lowercase=False)) == expected
    assert list(as_sentences(expected)) == expected
    counts = count_words(expected)
    assert counts.words == sum(map(len, expected)) == sum(counts.counts.values())
    assert set(counts.counts) == {word for words in expected for word in words}


@given(plain, st.sampled_from([None, gzip.compress, bz2.compress, lzma.compress]))
@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
    ],
)
def test_compressed_and_marked_bytes_are_the_text(encoding, mark, text, compress) -> None:
    if text.startswith("\0") and encoding == "utf-16-le":
        text = "a" + text  # otherwise it has the mark of UTF-32
    data = mark + text.encode(encoding)
    (source,) = open_sources(data if compress is None else compress(data))
    for named in ("utf-8", "latin-1"):
        assert "".join(source.chunks("char", named, lambda count: None)) == text  # type: ignore[arg-type]
    pieces = [data[place : place + 1] for place in range(len(data))]
    assert "".join(decode_chunks(pieces)) == text


@given(plain.filter(lambda text: len(set(text)) > 1))
def test_a_text_is_read_back_from_its_ids(text: str) -> None:
    corpus = read_corpus(text)
    assert corpus.vocabulary.decode(corpus.ids) == text
    again = read_corpus(text.encode(), vocabulary=corpus.vocabulary)
    assert again.ids.tolist() == corpus.ids.tolist()
