"""Files and answers of gensim, compared with those of portnn."""

from __future__ import annotations

import numpy as np
import pytest

from portnn import KeyedVectors

pytestmark = [pytest.mark.host, pytest.mark.gensim_oracle]

WORDS = [
    f"{stem}{ending}"
    for stem in ("film", "Film", "zwölf", "电影", "act", "the")
    for ending in ("", "s", "ed", "ing", "er")
]


@pytest.fixture
def vectors(rng):
    return rng.normal(size=(len(WORDS), 7)).astype(np.float32)


@pytest.fixture
def ours(vectors):
    return KeyedVectors(WORDS, vectors)


@pytest.fixture
def theirs(vectors):
    from gensim.models import KeyedVectors as Theirs

    wv = Theirs(vectors.shape[1], count=0)
    wv.add_vectors(WORDS, vectors)
    return wv


def same(mine, other):
    assert [word for word, _ in mine] == [word for word, _ in other]
    np.testing.assert_allclose([score for _, score in mine], [score for _, score in other], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
def test_a_file_of_gensim_loads(tmp_path, theirs, vectors, binary, suffix):
    path = tmp_path / f"vectors{suffix}"
    theirs.save_word2vec_format(str(path), binary=binary)
    for wv in (KeyedVectors.load_word2vec_format(path, binary=binary), KeyedVectors.load(path)):
        assert wv.index_to_key == WORDS
        assert wv.vectors.dtype == np.float32
        assert np.array_equal(wv.vectors, vectors)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_gensim_loads_a_file_of_ours(tmp_path, ours, vectors, binary, suffix):
    from gensim.models import KeyedVectors as Theirs

    path = tmp_path / f"vectors{suffix}"
    ours.save_word2vec_format(path, binary=binary)
    wv = Theirs.load_word2vec_format(str(path), binary=binary)
    assert wv.index_to_key == WORDS
    assert np.array_equal(wv.vectors, vectors)


@pytest.mark.parametrize(
    ("positive", "negative"),
    [
        ("film", ()),
        (["film"], ()),
        (["film", "films"], ["act"]),
        (["film", ("films", 0.3)], [("act", -2.0)]),
        ([3, "act"], "the"),
        ([], ["film"]),
        (["film", np.arange(7, dtype=np.float32)], ["acts"]),
        (np.ones(7, dtype=np.float32), ()),
        (np.eye(7, dtype=np.float32)[:2], ()),
    ],
)
@pytest.mark.parametrize("restrict", [None, 12])
def test_most_similar(ours, theirs, positive, negative, restrict):
    against = negative if isinstance(negative, str) else list(negative) or None
    other = theirs.most_similar(positive, against, topn=8, restrict_vocab=restrict)
    same(ours.most_similar(positive, negative, topn=8, restrict_vocab=restrict), other)


@pytest.mark.parametrize("restrict", [None, 12])
@pytest.mark.filterwarnings("ignore:.*init_sims:DeprecationWarning")
def test_all_similarities_at_once(ours, theirs, restrict):
    every = ours.most_similar(["film", "films"], ["act"], topn=None, restrict_vocab=restrict)
    other = theirs.most_similar(["film", "films"], ["act"], topn=None, restrict_vocab=restrict)
    assert every.shape == other.shape
    np.testing.assert_allclose(every, other, rtol=2e-5, atol=2e-6)
    every, other = (wv.most_similar_cosmul(["film"], ["act"], topn=None) for wv in (ours, theirs))
    np.testing.assert_allclose(every, other, rtol=2e-5, atol=2e-6)
    assert ours.most_similar("film", topn=0) == theirs.most_similar("film", topn=0) == []


@pytest.mark.parametrize(
    ("positive", "negative"),
    [("film", "films"), (["film", "acting"], ["act"]), (["film"], []), (["film", "the", "acts"], ["act", "zwölf"])],
)
@pytest.mark.filterwarnings("ignore:.*init_sims:DeprecationWarning")  # gensim itself calls it
def test_most_similar_cosmul(ours, theirs, positive, negative):
    same(ours.most_similar_cosmul(positive, negative, topn=12), theirs.most_similar_cosmul(positive, negative, topn=12))


def test_doesnt_match_similarity_distance_rank(ours, theirs, rng):
    for _ in range(20):
        words = rng.choice(WORDS, size=5, replace=False).tolist()
        assert ours.doesnt_match(words) == theirs.doesnt_match(words)
        assert ours.similarity(*words[:2]) == pytest.approx(float(theirs.similarity(*words[:2])), abs=1e-6)
        assert ours.distance(*words[:2]) == pytest.approx(float(theirs.distance(*words[:2])), abs=1e-6)
        assert ours.rank(*words[:2]) == theirs.rank(*words[:2])
        np.testing.assert_allclose(
            ours.get_vector(words[0], norm=True), theirs.get_vector(words[0], norm=True), atol=1e-7
        )


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("restrict", [300_000, 20])
def test_word_analogies(tmp_path, rng, theirs, ours, fold, restrict):
    lines = []
    for section in range(3):
        lines.append(f": section {section}")
        for _ in range(200):
            a, b, c = rng.choice(WORDS, size=3, replace=False).tolist()
            answers = ours.most_similar([b, c], [a], topn=3, restrict_vocab=restrict)
            words = [a, b, c, answers[rng.integers(3)][0]]
            if rng.random() < 0.2:
                words[rng.integers(4)] = "unheard"
            lines.append(" ".join(word.upper() if rng.random() < 0.3 else word for word in words))
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    score, sections = theirs.evaluate_word_analogies(str(path), restrict_vocab=restrict, case_insensitive=fold)
    mine = ours.evaluate_word_analogies(path, restrict_vocab=restrict, case_insensitive=fold)
    assert 0 < mine.accuracy < 1
    assert mine.accuracy == pytest.approx(score)
    assert [section.name for section in mine.sections] == [section["section"] for section in sections[:-1]]
    assert [section.correct for section in mine.sections] == [len(section["correct"]) for section in sections[:-1]]
    asked = [len(section["correct"]) + len(section["incorrect"]) for section in sections[:-1]]
    assert [section.questions for section in mine.sections] == asked
    assert mine.unknown == 600 - sum(asked) > 0


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("restrict", [300_000, 20])
def test_word_pairs(tmp_path, rng, theirs, ours, fold, restrict):
    lines = ["# a comment"]
    for _ in range(60):
        a, b = rng.choice([*WORDS, "unheard"], size=2, replace=False).tolist()
        if a.upper() == b.upper():  # a similarity of 1 up to rounding, whose rank is random
            continue
        lines.append(f"{a.upper() if rng.random() < 0.3 else a}\t{b}\t{rng.integers(20) / 2}")
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    pearson, spearman, unknown = theirs.evaluate_word_pairs(str(path), restrict_vocab=restrict, case_insensitive=fold)
    mine = ours.evaluate_word_pairs(path, restrict_vocab=restrict, case_insensitive=fold)
    assert mine.pearson == pytest.approx(float(pearson[0]), abs=1e-6)
    assert mine.spearman == pytest.approx(float(spearman[0]), abs=1e-6)
    assert 100 * mine.unknown / (mine.pairs + mine.unknown) == pytest.approx(unknown)
    assert mine.unknown > 0
