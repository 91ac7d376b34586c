# ruff: noqa: RUF001 - scripts of the world

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import sys
import tracemalloc
from pathlib import Path

import pytest

import portnn.text.encodings as encodings_module
import portnn.text.sentences as sentences_module
import portnn.text.sources as sources_module
from portnn.text import MAX_SENTENCE, Sentences, as_sentences, tokenizer

pytestmark = pytest.mark.host

TEXT = "The Film, a gem...\n\n  It's 2 GOOD_ones!\tnaïve\u00a0Ω 我来到北京\n..\nend"
WORDS = [
    ["the", "film", ",", "a", "gem", "..."],
    ["it's", "2", "good_ones", "!", "naïve", "ω", "我", "来", "到", "北", "京"],
    [".."],
    ["end"],
]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a few characters at a time, so that every word is split somewhere."""
    for module in (encodings_module, sources_module):
        monkeypatch.setattr(module, "CHUNK_BYTES", 7)
    monkeypatch.setattr(sentences_module, "MAX_LINE", 5)
    monkeypatch.setattr(encodings_module.read_bytes, "__defaults__", (7,))


def test_each_line_is_a_sentence_and_can_be_read_again() -> None:
    sentences = Sentences(TEXT)
    assert list(sentences) == WORDS
    assert list(sentences) == WORDS
    assert list(Sentences(TEXT, lines=False)) == [[word for words in WORDS for word in words]]
    assert next(iter(Sentences(TEXT, lowercase=False)))[:2] == ["The", "Film"]


def test_other_levels() -> None:
    assert list(Sentences("The film,\n a\u00a0gem", level="space")) == [["the", "film,"], ["a", "gem"]]
    assert list(Sentences("A b\n\n 我", level="char")) == [["a", "b"], ["我"]]
    assert list(Sentences("我来到北京清华大学\nA b", level="jieba")) == [
        ["我", "来到", "北京", "清华大学"],
        ["a", "b"],
    ]


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("level", ["word", "space", "char"])
def test_words_do_not_depend_on_where_the_text_is_cut(
    level: str, lines: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    text = TEXT + "\n" + "longer.than.any.piece " * 5 + "\n" + "x" * 2500 + "'" * 1200 + " İΣ ΟΔΟΣ.a"
    path = tmp_path / "corpus.txt"
    path.write_text(text, encoding="utf-8")
    whole = list(Sentences(text, level=level, lines=lines))
    assert list(Sentences(path, level=level, lines=lines)) == whole
    request.getfixturevalue("small_chunks")
    assert list(Sentences(text, level=level, lines=lines)) == whole
    assert list(Sentences(path, level=level, lines=lines)) == whole


@pytest.mark.parametrize("level", ["word", "char", "jieba"])
def test_words_are_those_of_the_lossless_tokenizer(level: str) -> None:
    text = TEXT + " " + "x" * 2500 + "我" * 1001 + "'" * 1200 + " İstanbul \x1c\x85_\u200b\u0301e"
    expected = [word for token in tokenizer(level).split(text) if (word := token.strip())]
    (words,) = Sentences(text, level=level, lines=False, lowercase=False)
    assert words == expected
    (lowered,) = Sentences(text, level=level, lines=False)
    assert lowered == [word.lower() for word in expected]


@pytest.mark.parametrize("lowercase", [True, False])
def test_words_keep_their_marks_and_joiners(lowercase: bool) -> None:
    text = "आधुनिक मानक हिन्दी\ncafe\u0301 Don't\nمی\u200cخواهم 👨\u200d👩\u200d👧!"
    words = [["आधुनिक", "मानक", "हिन्दी"], ["cafe\u0301", "Don't"], ["می\u200cخواهم", "👨\u200d👩\u200d👧", "!"]]
    found = list(Sentences(text, lowercase=lowercase))
    assert found == [[word.lower() if lowercase else word for word in sentence] for sentence in words]


def test_a_model_keeps_the_rules_it_was_trained_with() -> None:
    assert list(Sentences("cafe\u0301 it's", word_rules="runs")) == [["cafe", "\u0301", "it", "'", "s"]]
    with pytest.raises(ValueError, match=r"^unknown rules of words 'cake'; known: uax29, runs$"):
        Sentences("a", word_rules="cake")


@pytest.mark.parametrize("lines", [True, False])
@pytest.mark.parametrize("count", [MAX_SENTENCE - 1, MAX_SENTENCE, MAX_SENTENCE + 1, 2 * MAX_SENTENCE, 25_000])
def test_long_sentences_are_cut(count: int, lines: bool) -> None:
    text = " ".join(map(str, range(count)))
    for ends in ("", "\n", "\n\nend"):
        sentences = list(Sentences(text + ends, lines=lines))
        words = [word for sentence in sentences for word in sentence]
        assert words == [*map(str, range(count)), *(["end"] if ends.endswith("d") else [])]
        assert all(0 < len(sentence) <= MAX_SENTENCE for sentence in sentences)
        if lines:
            assert len(sentences) == -(-count // MAX_SENTENCE) + ends.endswith("d")


@pytest.mark.parametrize("lines", [True, False])
def test_an_endless_line_needs_little_memory(lines: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources_module, "CHUNK_BYTES", 1 << 16)
    text = "a film and a gem " * 100_000
    tracemalloc.start()
    count = sum(map(len, Sentences(text, lines=lines)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 500_000
    assert peak < 3 << 20  # the list of all words takes 4 MB, and the words 25 MB


def test_text_without_whitespace_is_refused_at_level_space(small_chunks, monkeypatch) -> None:
    monkeypatch.setattr(sentences_module, "_MAX_WITHOUT_SPACE", 50)
    assert list(Sentences("x" * 40, level="space")) == [["x" * 40]]
    with pytest.raises(ValueError, match=r"^text: 5\d characters without whitespace; is this a text\?$"):
        list(Sentences("x" * 100, level="space"))


def test_files_of_a_folder_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "z.txt").write_text("z")
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"c\n") + gzip.compress(b"d"))
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / ".hidden").write_text("h")
    sentences = Sentences(tmp_path)
    assert list(sentences) == [["a"], ["z"], ["c"], ["d"]]
    assert sentences.name == tmp_path.name
    assert sentences.size == 2 + (tmp_path / "c.txt.gz").stat().st_size
    paths = [tmp_path / "c.txt.gz", tmp_path / "a.txt"]
    assert list(Sentences(paths)) == [["c"], ["d"], ["a"]]
    assert Sentences(paths).name == "c.txt.gz and 1 more"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r'^corpus ".*empty" is a folder without files$'):
        Sentences(tmp_path / "empty")


@pytest.mark.parametrize(("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("XZ", lzma.compress)])
def test_compressed_files(suffix: str, compress, tmp_path: Path) -> None:
    path = tmp_path / f"corpus.{suffix}"
    text = TEXT * 30_000  # several pieces
    path.write_bytes(compress(text.encode()))
    sentences = Sentences(path)
    reported: list[int] = []
    assert list(sentences.read(reported.append)) == list(Sentences(text))
    assert sum(reported) == sentences.size == path.stat().st_size
    data = path.read_bytes()
    for broken in (data[: len(data) // 2], data[:50] + bytes(60) + data[110:], b"plain text"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=rf"^{re.escape(str(path))}: damaged \.{suffix.lower()} file \(.+\)$"):
            list(Sentences(path))


def test_progress_counts_all_bytes(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(TEXT.encode() * 30_000)
    reported: list[int] = []
    for _ in Sentences([path, path]).read(reported.append):
        pass
    assert len(reported) > 2
    assert sum(reported) == Sentences([path, path]).size == 2 * path.stat().st_size
    reported.clear()
    list(as_sentences(WORDS).read(reported.append))
    assert sum(reported) == as_sentences(WORDS).size == len(WORDS)


@pytest.mark.parametrize("compressed", [False, True])
def test_bytes_that_are_not_in_the_encoding(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("corpus.txt" + ".gz" * compressed)
    data = b"the film\ncaf" + b"\xe9\n"
    path.write_bytes(gzip.compress(data) if compressed else data)
    fault = rf"^{re.escape(str(path))}: byte 0xe9 at offset 12 is not utf-8; choose another --encoding \(.*latin-1.*\)$"
    with pytest.raises(ValueError, match=fault):
        list(Sentences(path))
    assert list(Sentences(path, encoding="latin-1"))[1] == ["café"]


def test_file_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("a film")
    sentences = Sentences(path)
    list(sentences)
    path.write_text("another film")
    with pytest.raises(OSError, match=r"corpus\.txt changed since these sentences were opened; open them again$"):
        list(sentences)


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes in the file system")
def test_pipe_can_be_read_twice() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"a film\na gem")
    os.close(writer)
    sentences = Sentences(Path(f"/dev/fd/{reader}"))
    os.close(reader)
    assert list(sentences) == list(sentences) == [["a", "film"], ["a", "gem"]]


def test_invalid_arguments(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^level is 'byte'; expected one of word, space, char, jieba$"):
        Sentences("a", level="byte")
    with pytest.raises(ValueError, match=r"^unknown encoding 'utf-9'"):
        Sentences("a", encoding="utf-9")
    with pytest.raises(TypeError, match=r"^sentences: source is bytes; expected str, a path or paths$"):
        Sentences(b"a")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="does not exist"):
        Sentences(tmp_path / "none.txt")
