"""word2vec on the same two cores: speed and quality of `portnn.Word2Vec` on NumPy, compared with gensim's Word2Vec.

    python examples/benchmarks/word2vec.py [--tasks speed,fit,softmax,quality,small,memory] [--workers 1,2,4,8]

speed    words per second in an epoch of training, skip-gram and CBOW, on random text with 20,000 words in Zipf's law
fit      words per second of the whole job: counting, encoding, five epochs
softmax  words per second of portnn with a full softmax (gensim has none), on the documentation that ships with Python
quality  five seeds on text with planted vectors: Spearman correlation of similarities, accuracy on analogies, and the
         held-out loss of negative sampling; of one process and of several
small    the documentation that ships with Python: shared neighbours of two runs, out of ten, and held-out loss
memory   peak memory of training a million words at 100 dimensions, beyond the two tables (on Linux)

Dimension 100, window 5, 5 negatives, sample 1e-3, the same words in the same order. gensim has workers=2. For the speed
tasks, each contender runs in its own process, and they take turns; portnn's process is tuned as by its command line.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from contenders import THREADS, Contender, Run, describe, serve, take_turns
from planted_text import PlantedText, analogies, planted_text, similarity

SHARED: dict[str, Any] = {"vector_size": 100, "window": 5, "negative": 5, "sample": 1e-3, "min_count": 5}
EPOCHS, SEEDS = 5, 5
OBJECTIVES = {"skip-gram": True, "CBOW": False}
Sentences = list[list[str]]


@functools.cache
def zipf_text(words: int = 2_000_000, vocabulary: int = 20_000, length: int = 20) -> Sentences:
    shares = 1.0 / np.arange(1, vocabulary + 1)
    ids = np.random.default_rng(0).choice(vocabulary, size=words, p=shares / shares.sum()).tolist()
    names = [f"w{word}" for word in range(vocabulary)]
    return [[names[word] for word in ids[start : start + length]] for start in range(0, words, length)]


def documentation() -> Sentences:
    from portnn.datasets import python_documentation
    from portnn.text import Sentences as Lines

    return list(Lines(python_documentation()))


def portnn_model(sg: bool, seed: int = 1, **more: Any) -> Any:
    import portnn

    return portnn.Word2Vec(sg=sg, seed=seed, **{**SHARED, **more})


def gensim_model(sg: bool, seed: int = 1, **more: Any) -> Any:
    from gensim.models import Word2Vec

    return Word2Vec(sg=int(sg), seed=seed, workers=THREADS, **{**SHARED, **more})


def portnn_speed(sg: bool, task: str, *size: int, workers: int = 1, **more: Any) -> Run:
    if task == "fit":
        sentences = zipf_text(*size)
        return lambda: portnn_model(sg, **more).fit(sentences, epochs=EPOCHS, workers=workers, progress=False)
    text = documentation() if task == "softmax" else zipf_text(*size)
    trainer = portnn_trainer(portnn_model(sg, **({"negative": 0} if task == "softmax" else {})), text)
    batches = trainer.batches.batches

    def run() -> None:
        trainer.run(trainer.state.step + batches)

    return run


def portnn_trainer(model: Any, sentences: Sentences) -> Any:
    """The run of `fit`, interrupted and resumed after every epoch."""
    from portnn.backends import generator
    from portnn.batches import WindowBatches
    from portnn.models import WordVectors
    from portnn.optimizers import SGD
    from portnn.optimizers.schedules import Constant
    from portnn.training import Plan, Trainer

    settings = model.settings
    reading = {"window": settings.window, "word_rules": model.word_rules, "known": None, "update": False}
    vocabulary, words = settings.read(sentences, "utf-8", **reading, progress=False)
    size = model.batch_size_for(vocabulary)
    batches = WindowBatches(words.ids, vocabulary.counts, words.words, settings, batch_size=size)
    network = WordVectors(
        len(vocabulary),
        settings.vector_size,
        settings.window,
        sg=settings.sg,
        negative=settings.negative > 0,
        whole_steps=settings.whole_steps,
    )
    often = max(1, batches.batches // 20)
    every = {"log_every": often, "evaluate_every": batches.batches, "checkpoint_every": 10**9}
    plan = Plan(optimizer=SGD(), schedule=Constant(0.01), mean_over="epoch", **every)
    return Trainer(network, batches, plan, model.backend, network.init(generator(1)), quiet=True)


def gensim_speed(sg: bool, task: str, *size: int) -> Run:
    sentences = zipf_text(*size)
    if task == "fit":
        return lambda: gensim_model(sg, sentences=sentences, epochs=EPOCHS)
    model = gensim_model(sg)
    model.build_vocab(sentences)
    return lambda: model.train(sentences, total_examples=model.corpus_count, epochs=1)


MAKERS = {"portnn": portnn_speed, "gensim": gensim_speed}


def speed(task: str, rounds: int) -> list[dict[str, Any]]:
    """Words per second of both, which take turns."""
    contenders = {name: Contender(__file__, name) for name in (["portnn"] if task == "softmax" else MAKERS)}
    if task == "softmax":
        words = sum(map(len, documentation()))
    else:
        words = sum(map(len, zipf_text())) * (EPOCHS if task == "fit" else 1)
    results = []
    for name, sg in OBJECTIVES.items():
        times = take_turns(contenders, [sg, task], rounds=rounds, seconds=0.0, warm=0)
        row = {
            who: {"median": words / statistics.median(each), "best": words / min(each)} for who, each in times.items()
        }
        cells = [f"{row[who]['median']:,.0f} ({row[who]['best']:,.0f})" for who in row]
        if "gensim" in row:
            cells += [" ".join(f"{row['portnn'][k] / row['gensim'][k]:.2f}" for k in ("median", "best"))]
        print(f"| {task}, {name} | " + " | ".join(cells) + " |", flush=True)
        results.append({"task": task, "objective": name, **row})
    return results


def tables(model: Any, words: list[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Input and output vectors of given words, from either library."""
    if hasattr(model, "syn1neg"):
        rows = [model.wv.key_to_index[word] for word in words]
        return model.wv.vectors[rows], model.syn1neg[rows]
    return np.stack([model.wv[word] for word in words]), np.stack([model.vectors("output")[word] for word in words])


def held_out_loss(model: Any, sentences: Sentences, sg: bool) -> float:
    """Mean loss of a pair on held-out text, in nats, with the same windows and negatives for all models."""
    import portnn
    from portnn.backends import tree_map
    from portnn.batches import WindowBatches, WindowSettings
    from portnn.models import WordVectors
    from portnn.text import WordVocabulary, encode_words

    words = sorted(model.wv.key_to_index)
    counts = dict.fromkeys(words, 0)
    for sentence in sentences:
        for word in sentence:
            if word in counts:
                counts[word] += 1
    vocabulary = WordVocabulary(tuple(words), np.asarray([counts[word] + 1 for word in words]))
    ids = encode_words(sentences, vocabulary)
    settings = WindowSettings(window=5, sg=sg, sample=SHARED["sample"], negative=SHARED["negative"])
    source = WindowBatches(ids.ids, vocabulary.counts, ids.words, settings, seed=9)
    backend = portnn.backend("numpy", dtype="float64")
    params = dict(zip(("input", "output"), map(backend.asarray, tables(model, words)), strict=True))
    network, total, terms = WordVectors(len(words), 100, source.reach, sg=sg), 0.0, 0.0
    for position in range(source.batches):
        batch = source.at(position)
        loss, _, _ = network.loss(params, tree_map(backend.asarray, batch.data), xp=backend.xp)
        total, terms = total + float(loss), terms + batch.terms
    source.close()
    return total / terms


def measure(model: Any, text: PlantedText, held_out: Sentences, sg: bool) -> dict[str, float]:
    ids = np.asarray([word for word in range(len(text.vectors)) if f"w{word}" in model.wv.key_to_index])
    vectors, _ = tables(model, [f"w{word}" for word in ids])
    return {
        "spearman": similarity(vectors, text.vectors[ids]),
        "analogies": analogies(vectors, ids),
        "held-out loss": held_out_loss(model, held_out, sg),
    }


def quality(seeds: int, workers: list[int], shared_tables: bool) -> list[dict[str, Any]]:
    text = planted_text(2_100_000)
    sentences = [[f"w{word}" for word in row] for row in text.ids.tolist()]
    sentences, held_out = sentences[:100_000], sentences[100_000:]
    results = []
    for name, sg in OBJECTIVES.items():
        for count in (None, *workers):
            who, measured = "gensim" if count is None else f"portnn, workers={count}", []
            for seed in range(1, seeds + 1):
                if count is None:
                    model = gensim_model(sg, seed=seed, sentences=sentences, epochs=EPOCHS)
                else:
                    model = portnn_model(sg, seed=seed, shared_tables=shared_tables)
                    model.fit(sentences, epochs=EPOCHS, workers=count, progress=False)
                measured.append(measure(model, text, held_out, sg))
            cells = []
            for kind in measured[0]:
                values = [each[kind] for each in measured]
                cells.append(f"{statistics.mean(values):.4f} ± {statistics.stdev(values) if seeds > 1 else 0:.4f}")
            print(f"| {name} | {who} | " + " | ".join(cells) + " |", flush=True)
            results.append({"objective": name, "who": who, "seeds": measured})
    return results


def small(seeds: int) -> list[dict[str, Any]]:
    """Shared neighbours of two seeds of each library, and of portnn and gensim."""
    sentences = documentation()
    sentences, held_out = [s for i, s in enumerate(sentences) if i % 20], sentences[::20]
    results = []
    for name, sg in OBJECTIVES.items():
        theirs = [gensim_model(sg, seed=s, sentences=sentences, epochs=20) for s in range(1, seeds + 1)]
        ours = [portnn_model(sg, seed=s, epochs=20).fit(sentences, progress=False) for s in range(1, seeds + 1)]
        words = theirs[0].wv.index_to_key[50:350]

        def near(model: Any) -> list[set[str]]:
            return [{word for word, _ in model.wv.most_similar(each, topn=10)} for each in words]  # noqa: B023

        def common(one: Any, other: Any) -> float:
            return statistics.mean(len(a & b) / 10 for a, b in zip(near(one), near(other), strict=True))

        row = {
            "gensim, gensim": common(theirs[0], theirs[1]),
            "portnn, portnn": common(ours[0], ours[1]),
            "portnn, gensim": statistics.mean(common(a, b) for a, b in zip(ours, theirs, strict=True)),
            "held-out loss of gensim": [held_out_loss(model, held_out, sg) for model in theirs],
            "held-out loss of portnn": [held_out_loss(model, held_out, sg) for model in ours],
        }
        shown = [
            f"{kind} {statistics.mean(value):.4f} ± {statistics.stdev(value):.4f}"
            if isinstance(value, list)
            else f"{kind} {value:.3f}"
            for kind, value in row.items()
        ]
        print(f"{name}: " + "; ".join(shown), flush=True)
        results.append({"objective": name, **row})
    return results


MEMORY = """
import re, sys
import numpy as np
import portnn


def peak():
    # Not ru_maxrss, which starts from the value of the parent process.
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])


class Numbers:
    # Every word twice, in sentences that are generated while they are read.
    def __iter__(self):
        order = np.random.default_rng(0).permutation(2_000_000) // 2
        for row in order.reshape(-1, 20).tolist():
            yield [f"word{number}" for number in row]


portnn.Word2Vec(min_count=1, vector_size=100).fit(Numbers(), epochs=1, progress=False, out=sys.argv[1])
print(peak())
"""


def memory() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        arguments = [sys.executable, "-c", MEMORY, str(Path(folder) / "vectors.safetensors")]
        peak = int(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    beyond = peak / 1024**2 - 2 * 1_000_000 * 100 * 4 / 1024**3
    print(f"a million words x 100: {peak / 1024**2:.2f} GiB at most, {beyond:.2f} GiB beyond the two tables")
    return {"peak_gib": peak / 1024**2, "beyond_tables_gib": beyond}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="speed,fit,softmax,quality,small,memory")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", default="1,2,4,8", help="processes that train, for the quality")
    parser.add_argument("--shared-tables", action="store_true", help="let them write to the same tables")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        serve(MAKERS[options.work], tuned=options.work == "portnn")
        return
    results: dict[str, Any] = {"machine": describe("numpy", "scipy", "gensim")}
    for task in options.tasks.split(","):
        print(f"\n{task}", flush=True)
        if task in ("speed", "fit", "softmax"):
            print("words/s: median (best); portnn, then gensim, then the ratio of medians and of the best")
            results[task] = speed(task, min(3, options.rounds) if task == "fit" else options.rounds)
        elif task == "memory":
            results[task] = memory()
        elif task == "quality":
            results[task] = quality(options.seeds, list(map(int, options.workers.split(","))), options.shared_tables)
        else:
            results[task] = small(options.seeds)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
