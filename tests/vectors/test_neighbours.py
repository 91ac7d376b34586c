"""Neighbours on the library under test, compared with sorting all cosines."""

from __future__ import annotations

import numpy as np
import pytest

import portnn
from portnn import KeyedVectors
from portnn.backends import to_host
from portnn.vectors import neighbours

WORDS = [f"w{index}" for index in range(300)]


@pytest.fixture(params=[1 << 22, 500], ids=["one block", "many blocks"])
def block(request, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", request.param)


@pytest.fixture
def table(rng):
    return rng.normal(size=(len(WORDS), 10))


def by_sorting(table, query, left_out, topn):
    cosines = table @ query / np.linalg.norm(table, axis=1) / np.linalg.norm(query)
    order = [index for index in np.argsort(-cosines, kind="stable").tolist() if index not in left_out][:topn]
    return [WORDS[index] for index in order], cosines[order]


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("topn", [1, 7, 1000])
def test_most_similar(table, place, topn):
    wv = KeyedVectors(WORDS, place(table))
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    words, cosines = by_sorting(table, unit[3] + unit[200] - unit[8], {3, 200, 8}, topn)
    neighbours = wv.most_similar(["w3", "w200"], ["w8"], topn=topn)
    assert [word for word, _ in neighbours] == words
    np.testing.assert_allclose([score for _, score in neighbours], cosines, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("restrict", [None, 299])
def test_all_similarities(table, place, restrict):
    wv = KeyedVectors(WORDS, place(table))
    every = wv.most_similar("w5", topn=None, restrict_vocab=restrict)
    assert type(every) is np.ndarray
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    np.testing.assert_allclose(every, (unit @ unit[5])[:restrict], rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("block")
def test_everything_equals_numpy(table, place, tmp_path, rng):
    wv, host = KeyedVectors(WORDS, place(table)), KeyedVectors(WORDS, table)
    for query in (
        lambda vectors: vectors.most_similar("w5", topn=20),
        lambda vectors: vectors.most_similar_cosmul(["w1", "w2"], ["w3"], topn=20),
        lambda vectors: vectors.most_similar(table[3], topn=4),
    ):
        mine, other = query(wv), query(host)
        assert [word for word, _ in mine] == [word for word, _ in other]
        np.testing.assert_allclose([s for _, s in mine], [s for _, s in other], rtol=1e-10)
    assert wv.similarity("w1", "w2") == pytest.approx(host.similarity("w1", "w2"), abs=1e-12)
    assert wv.doesnt_match(WORDS[:9]) == host.doesnt_match(WORDS[:9])
    questions = tmp_path / "questions.txt"
    lines = [": all"]
    for _ in range(300):
        a, b, c = rng.choice(WORDS, size=3, replace=False).tolist()
        answers = host.most_similar([b, c], [a], topn=2)
        lines.append(f"{a} {b} {c} {answers[rng.integers(2)][0]}")
    questions.write_text("\n".join(lines))
    scores = wv.evaluate_word_analogies(questions)
    assert scores == host.evaluate_word_analogies(questions)
    assert scores.questions == 300
    right = [host.most_similar([b, c], [a], topn=1)[0][0] == d for a, b, c, d in map(str.split, lines[1:])]
    assert scores.correct == sum(right)


def test_a_vector_of_the_library_is_a_query(table, place):
    wv = KeyedVectors(WORDS, place(table))
    word, score = wv.most_similar(wv["w7"], topn=1)[0]
    assert (word, round(score, 10)) == ("w7", 1.0)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("topn", [1, 3, 150])
def test_ties_are_in_the_order_of_the_vocabulary(place, topn):
    table = np.tile(np.eye(2), (150, 1))
    wv = KeyedVectors(WORDS, place(table))
    neighbours = wv.most_similar(["w0"], topn=topn)
    expected = [*WORDS[2::2], *WORDS[1::2]][:topn]
    assert [word for word, _ in neighbours] == expected


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_zero_vectors_have_similarity_zero_and_infinite_ones_are_left_out(table, place, bad):
    table[10] = 0
    table[11, 4] = bad
    wv = KeyedVectors(WORDS, place(table))
    neighbours = dict(wv.most_similar("w3", topn=1000))
    assert len(neighbours) == 298
    assert "w11" not in neighbours
    assert neighbours["w10"] == 0
    scores = list(neighbours.values())
    assert scores == sorted(scores, reverse=True)
    assert "w11" not in dict(wv.most_similar_cosmul("w3", "w4", topn=1000))
    assert wv.most_similar("w3", topn=1) == wv.most_similar("w3", topn=1000)[:1]
    assert wv.most_similar("w10", topn=2) == [("w0", 0.0), ("w1", 0.0)]
    assert wv.similarity("w10", "w3") == 0
    for every in (wv.most_similar("w3", topn=None), wv.most_similar_cosmul("w3", topn=None)):
        assert np.flatnonzero(np.isnan(every)).tolist() == [11]
    with pytest.raises(ValueError, match=r"^the vector of 'w11' contains NaN or infinity$"):
        wv.most_similar("w11")


def test_lengths_beyond_single_precision(backend32):
    table = np.array([[1e25, 0], [1e-30, 1e-30], [1, 1], [1, 0]], dtype=np.float32)
    wv = KeyedVectors(["huge", "tiny", "one", "axis"], backend32.asarray(table))
    neighbours = dict(wv.most_similar("one"))
    assert neighbours["axis"] == pytest.approx(0.5**0.5)
    assert all(0 <= score < 1.0001 for score in neighbours.values())
    assert wv.similarity("huge", "axis") == pytest.approx(1)


def test_lookups_stay_on_the_library(table, backend, place):
    wv = KeyedVectors(WORDS, place(table), range(300, 0, -1))
    assert wv.backend.name == backend.name
    assert wv.backend.dtype == "float64"
    for array, expected in (
        (wv["w2"], table[2]),
        (wv[5], table[5]),
        (wv[["w2", 5, "w2"]], table[[2, 5, 2]]),
        (wv.get_vector("w2", norm=True), table[2] / np.linalg.norm(table[2])),
    ):
        assert portnn.backend_of(a=array, b=wv.vectors)
        np.testing.assert_allclose(to_host(array), expected, rtol=1e-14)


def test_from_library_to_library(table, place):
    wv = KeyedVectors(WORDS, place(table), range(300, 0, -1))
    host = wv.to("numpy", dtype="float32")
    assert host.vectors.dtype == np.float32
    assert np.array_equal(host.vectors, table.astype(np.float32))
    assert host.counts.tolist() == list(range(300, 0, -1))


def test_files_from_any_library(table, place, backend, tmp_path):
    wv = KeyedVectors(WORDS, place(table))
    wv.save(tmp_path / "vectors.safetensors")
    again = KeyedVectors.load(tmp_path / "vectors.safetensors", backend=backend)
    assert again.backend.name == backend.name
    assert np.array_equal(to_host(again.vectors), table)
    mapped = KeyedVectors.load(tmp_path / "vectors.safetensors", mmap=True, backend=backend)
    assert np.array_equal(to_host(mapped.vectors), table)
    wv.save_word2vec_format(tmp_path / "vectors.bin", binary=True)
    assert np.array_equal(KeyedVectors.load(tmp_path / "vectors.bin").vectors, table.astype(np.float32))
