"""Texts as ids, one after the other, in memory or in a file."""

import hashlib

import numpy as np
import pytest

from portnn.text import WordVocabulary, encode_texts, text_tokens
from portnn.text.encoded_texts import BATCH

pytestmark = pytest.mark.host

VOCABULARY = WordVocabulary.from_counts({"good": 5, "not": 4, "bad": 3}, min_count=1)
WORDS = text_tokens("word", lowercase=True)
TEXTS = ["Not good", "", "good film", "bad bad", " ", "!"]
IDS, ENDS = [1, 0, 3, 0, 3, 2, 2, 3, 3], [2, 3, 5, 7, 8, 9]


def encoded(texts=TEXTS, **options):
    return encode_texts(texts, WORDS, VOCABULARY, **options)


def facts(texts):
    return texts.ids.tolist(), texts.ends.tolist(), texts.unknown, texts.empty, texts.cut, texts.sha256


def test_each_word_is_its_id_and_a_text_without_words_is_one_unknown():
    texts = encoded()
    assert (texts.ids.tolist(), texts.ends.tolist()) == (IDS, ENDS)
    assert (texts.unknown, texts.empty, texts.cut, len(texts)) == (2, 2, 0, 6)
    assert texts.ids.dtype == VOCABULARY.id_dtype
    assert texts.ends.dtype == np.int64
    assert not texts.ids.flags.writeable
    texts.release()


def test_only_the_beginning_of_a_long_text_is_taken():
    texts = encoded(["good not bad", "bad", "not a film"], max_length=2)
    assert texts.ids.tolist() == [0, 1, 2, 1, 3]
    assert (texts.ends.tolist(), texts.cut, texts.unknown) == ([2, 3, 5], 2, 1)
    assert encoded(["good not"], max_length=2).cut == 0


def test_no_texts():
    texts = encoded([])
    assert (len(texts), texts.ids.tolist(), texts.ends.tolist(), texts.unknown) == (0, [], [], 0)


@pytest.mark.parametrize("count", [BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_what_is_more_than_the_memory_given_goes_to_a_file_and_is_the_same(count, tmp_path):
    many = [TEXTS[number % len(TEXTS)] for number in range(count)]
    right = encoded(iter(many), max_length=1)
    for limit in (0, 1000, 8 * count):
        texts = encoded(iter(many), max_length=1, memory_limit=limit, cache_dir=tmp_path / "cache")
        assert facts(texts) == facts(right)
        assert isinstance(texts.ids, np.memmap) == (texts.ids.nbytes > limit)
        assert isinstance(texts.ends, np.memmap) == (texts.ends.nbytes > limit)
        texts.release()
        assert texts.ids.tolist() == right.ids.tolist()
    assert list((tmp_path / "cache").iterdir()) == []  # the file has no name
    assert right.ends.tolist() == list(range(1, count + 1))


def test_the_digest_is_that_of_ids_and_ends():
    texts = encoded()
    ids, ends = np.asarray(IDS, VOCABULARY.id_dtype.newbyteorder("<")), np.asarray(ENDS, "<i8")
    assert texts.sha256 == hashlib.sha256(ids.tobytes() + ends.tobytes()).hexdigest()
    digests = {encoded(some).sha256 for some in (TEXTS, TEXTS[:-1], TEXTS[::-1], ["Not good  good", "film"])}
    assert len(digests) == 4


def test_a_cache_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        encoded(memory_limit=0, cache_dir=tmp_path / "file")


def test_it_is_shown_in_a_line():
    assert repr(encoded(TEXTS * 100)).count("\n") == 0
    assert len(repr(encoded(TEXTS * 100))) < 300
