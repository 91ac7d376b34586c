"""A captioner over features: time of an epoch of training, and of beam search, of portnn on NumPy and PyTorch.

    python examples/benchmarks/caption.py [--rounds 5] [--batches N] [--images 1000] [--json FILE]

Captions are drawn: 10,000 of them, of 11 words on average out of 2,500 with frequencies like those of a text, five for
each of 2,000 images with 512 features. The network has words of 128 entries and an LSTM of 256 units, whose states
before the first step are tanh of an affine map of the features; float32.

An epoch is all batches of 64 captions, bucketed by length and made inside the time, and for each forward, backward,
clipping to a global norm of 5, and Adam (PyTorch's is fused). Both see the same batches in the same order. Beam search
follows five beginnings of the caption of each of 1,000 images, in blocks of as many images as portnn takes at a time,
up to 20 words, by the same rules: both must find the same captions, which is checked. Weights are random, with a bias
for the end of a caption that makes captions some ten words long.

Each contender lives in a process of its own, and they take turns, round after round. portnn has as many workers as its
command line would take; "one process" is portnn without workers.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from contenders import THREADS, Contender, Run, describe, serve, take_turns, while_running
from shared_steps import Training, shared_steps

BATCH, EMBEDDING, HIDDEN, FEATURES, CLIP, RATE = 64, 128, 256, 512, 5.0, 2e-3
IMAGES, CAPTIONS, WORDS = 2000, 10_000, 2500
BEAM, LONGEST, ENDING = 5, 20, 5.5
"""Beginnings that are followed, most words of a caption, and the bias of its end."""

WARM = 10
"""Batches before the clock starts."""


class Data(NamedTuple):
    """Encoded captions, the row of the features that each is about, and the features."""

    ids: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]
    rows: np.ndarray[Any, Any]
    features: np.ndarray[Any, Any]


def drawn() -> Data:
    rng = np.random.default_rng(0)
    lengths = np.clip(np.rint(rng.normal(11.0, 3.0, CAPTIONS)), 3, 24).astype(np.int64)
    shares = 1.0 / np.arange(1, WORDS + 1)
    ids = rng.choice(WORDS, lengths.sum(), p=shares / shares.sum())
    features = rng.normal(size=(IMAGES, FEATURES)).astype(np.float32)
    return Data(ids.astype(np.uint16), np.cumsum(lengths), np.arange(CAPTIONS) // 5, features)


def network() -> Any:
    from portnn.models import RecurrentDecoder

    return RecurrentDecoder(
        vocabulary_size=WORDS + 2,
        feature_size=FEATURES,
        hidden_size=HIDDEN,
        embedding_size=EMBEDDING,
    )


def weights() -> dict[str, np.ndarray[Any, Any]]:
    """Random weights, with captions that end."""
    params = network().init(np.random.default_rng(0))
    params["embedding.weight"] *= 10.0
    params["output.weight"] *= 8.0
    params["output.bias"][-1] = ENDING
    return {name: array.astype(np.float32) for name, array in params.items()}


def batches() -> Any:
    from portnn.batches import CaptionBatches

    data = drawn()
    return CaptionBatches(data.features, data.rows, data.ids, data.ends, boundary=WORDS + 1, batch_size=BATCH, seed=0)


def epochs(source: Any, step: Callable[[int], object], most: int | None) -> Run:
    """The next epoch of batches, or the next `most` batches."""
    for position in range(WARM):
        step(position)
    positions = itertools.count()

    def run() -> None:
        for position in itertools.islice(positions, most or source.batches):
            step(position)

    return run


def portnn_epoch(most: int | None, images: int, workers: int | None = None) -> Run:
    import portnn
    from portnn.optimizers import Adam
    from portnn.process import one_blas_thread
    from portnn.training import StepSettings, automatic_workers

    backend = portnn.backend("numpy")
    count = workers or automatic_workers(BATCH, 4 * HIDDEN, backend)
    if count == 1:
        while_running.enter_context(one_blas_thread())
    source, settings = batches(), StepSettings(clip_norm=CLIP)
    train = shared_steps(Training(network(), Adam(), backend, settings, RATE, BATCH, source.at), count)
    return epochs(source, train, most)


def torch_epoch(most: int | None, images: int) -> Run:
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    entrance, embedding = torch.nn.Linear(FEATURES, 2 * HIDDEN), torch.nn.Embedding(WORDS + 2, EMBEDDING)
    recurrent, output = torch.nn.LSTM(EMBEDDING, HIDDEN), torch.nn.Linear(HIDDEN, WORDS + 2)
    params = [p for module in (entrance, embedding, recurrent, output) for p in module.parameters()]
    optimizer = torch.optim.Adam(params, lr=RATE, fused=True)

    def train(batch: Any) -> None:
        optimizer.zero_grad()
        h, c = torch.tanh(entrance(torch.from_numpy(batch.features))).split(HIDDEN, dim=1)
        y, _ = recurrent(embedding(torch.from_numpy(batch.inputs)), (h[None].contiguous(), c[None].contiguous()))
        counts = torch.from_numpy(batch.weights) > 0.0
        logits = output(y[counts])  # padding is left out
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(batch.targets)[counts]).backward()
        torch.nn.utils.clip_grad_norm_(params, CLIP)
        optimizer.step()

    source = batches()
    return epochs(source, lambda position: train(source.at(position).data), most)


def portnn_beam(most: int | None, images: int) -> Run:
    import portnn
    from portnn.estimators.captioner_settings import GenerateSettings
    from portnn.estimators.captioning import Speaker, images_at_a_time

    backend, model, params, features = portnn.backend("numpy"), network(), weights(), drawn().features[:images]
    settings, size = GenerateSettings(beam=BEAM, max_length=LONGEST), images_at_a_time(model, BEAM)

    def run() -> str:
        found = [
            Speaker(model, params, backend, features[start : start + size], forbidden=WORDS).beam(settings).ids
            for start in range(0, len(features), size)
        ]
        return digest(np.concatenate(found))

    return run


def torch_beam(most: int | None, images: int) -> Run:
    import torch

    from portnn.estimators.captioning import images_at_a_time

    torch.set_num_threads(THREADS)
    params = {name: torch.from_numpy(array) for name, array in weights().items()}
    features, size = torch.from_numpy(drawn().features[:images]), images_at_a_time(network(), BEAM)
    cell = torch.nn.LSTMCell(EMBEDDING, HIDDEN)
    for mine, theirs in (("weight_ih", cell.weight_ih), ("weight_hh", cell.weight_hh)):
        theirs.data = params[f"layers.0.{mine}"].T.contiguous()
    cell.bias_ih.data, cell.bias_hh.data = params["layers.0.bias_ih"], params["layers.0.bias_hh"]
    output = params["output.weight"].T.contiguous()
    boundary, ids = WORDS + 1, WORDS + 2

    def search(v: Any) -> Any:
        count = len(v)
        start = torch.tanh(torch.addmm(params["entrance.bias"], v, params["entrance.weight"]))
        h, c = (state.repeat_interleave(BEAM, dim=0) for state in start.split(HIDDEN, dim=1))
        live = torch.full((count, BEAM), -torch.inf)
        live[:, 0] = 0.0
        sequences = torch.full((count, BEAM, LONGEST), boundary)
        whole, whole_ids = torch.full((count, BEAM), -torch.inf), sequences.clone()
        done, among_best = torch.zeros(count, 1, dtype=torch.bool), torch.arange(2 * BEAM) < BEAM
        last, first = torch.full((count * BEAM,), boundary), torch.arange(count)[:, None] * BEAM
        for step in range(LONGEST + 1):
            h, c = cell(torch.nn.functional.embedding(last, params["embedding.weight"]), (h, c))
            log_p = torch.log_softmax(torch.nn.functional.linear(h, output, params["output.bias"]), dim=1)
            log_p[:, WORDS] = -torch.inf
            best, places = (live[:, :, None] + log_p.view(count, BEAM, ids)).view(count, -1).topk(2 * BEAM, dim=1)
            parent, word = places // ids, places % ids
            ends = word == boundary
            before = sequences.gather(1, parent[:, :, None].expand(-1, -1, LONGEST))
            divided = torch.where(ends & among_best & ~done, best / (step + 1.0), -torch.inf)
            whole, kept = torch.cat((whole, divided), dim=1).topk(BEAM, dim=1)
            whole_ids = torch.cat((whole_ids, before), dim=1).gather(1, kept[:, :, None].expand(-1, -1, LONGEST))
            if step == LONGEST:
                break
            going = ends.int().argsort(dim=1, stable=True)[:, :BEAM]
            live = torch.where(ends, -torch.inf, best).gather(1, going)
            sequences = before.gather(1, going[:, :, None].expand(-1, -1, LONGEST))
            sequences[:, :, step] = word.gather(1, going)
            done |= (live[:, :1] / (step + 1.0)) <= whole[:, -1:]
            if bool(done.all()):
                break
            last = sequences[:, :, step].reshape(-1)
            parents = (first + parent.gather(1, going)).reshape(-1)
            h, c = h[parents], c[parents]
        return torch.where(torch.isfinite(whole[:, :1]), whole_ids[:, 0], sequences[:, 0])

    def run() -> str:
        with torch.inference_mode():
            found = [search(v) for v in features.split(size)]
        return digest(torch.cat(found).numpy())

    return run


def digest(ids: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(ids.astype(np.int64).tobytes()).hexdigest()


TRAINING = {
    "portnn": portnn_epoch,
    "one process": functools.partial(portnn_epoch, workers=1),
    "torch": torch_epoch,
}
BEAMS = {"portnn beam": portnn_beam, "torch beam": torch_beam}
MAKERS: dict[str, Callable[..., Run]] = {**TRAINING, **BEAMS}


def speed(makers: dict[str, Callable[..., Run]], title: str, rounds: int, job: list[Any]) -> dict[str, Any]:
    """Measure and print the time of a piece of work."""
    contenders = {name: Contender(__file__, name) for name in makers}
    times = take_turns(contenders, job, rounds=rounds, seconds=0.0, warm=0)
    row = {name: {"median": statistics.median(found), "best": min(found)} for name, found in times.items()}
    own = next(iter(row.values()))
    print(f"\nseconds for {title}: median (best)\n")
    print("| contender | seconds | portnn / contender |\n| --- | --- | --- |")
    for name, found in row.items():
        ratios = [own[kind] / found[kind] for kind in ("median", "best")]
        print(f"| {name} | {found['median']:.3g} ({found['best']:.3g}) | {ratios[0]:.2f} ({ratios[1]:.2f}) |")
    return {"times": times, **row}


def compared(images: int) -> None:
    """Check that both find the same captions."""
    found = {name: make(None, images)() for name, make in BEAMS.items()}
    same = len(set(found.values())) == 1
    print(f"\nbeam search of {images} captions: " + ("both find the same captions" if same else "CAPTIONS DIFFER"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, help="in each round; by default an epoch")
    parser.add_argument("--images", type=int, default=1000, help="of which captions are searched")
    parser.add_argument("--json", help="write all figures to this file")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        serve(MAKERS[options.work], tuned=not options.work.startswith("torch"))
        return
    results: dict[str, Any] = {"machine": describe("numpy", "torch")}
    job = [options.batches, options.images]
    what = f"{options.batches} batches" if options.batches else f"an epoch of {CAPTIONS:,} captions"
    results["training"] = speed(TRAINING, what, options.rounds, job)
    results["beam"] = speed(BEAMS, f"{options.images:,} captions with beam {BEAM}", options.rounds, job)
    compared(min(options.images, 200))
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
