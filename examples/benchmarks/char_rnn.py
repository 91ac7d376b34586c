"""Time of a char-RNN training step: portnn on NumPy, PyTorch and JAX, against PyTorch, JAX and the machine's floor.

    python examples/benchmarks/char_rnn.py [--cells rnn,gru,lstm] [--seconds 4] [--json FILE] [--no-sampling]

A step is forward, backward, clipping to a global norm of 5, and Adagrad, float32, on one-hot ids. Every contender
lives in a process of its own, so that none disturbs another's threads, and they take turns: some steps of one, some
of the next, round after round. portnn on NumPy has as many workers as its command line would take; "on torch" and "on
jax" are portnn's step on these libraries, beside their own layers with their own gradients. The floor is the time that
the matrix products alone would take at the rate of a product of 2048 x 2048 float32 matrices, measured in the same
rounds.

A second table has the speed of sampling: characters a second of one text, and of eight drawn at once, by portnn on
NumPy and by PyTorch in inference mode with one thread. A character is one step of the cell, the logits and a draw.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
from typing import Any

from contenders import THREADS, Contender, Run, describe, serve, take_turns, while_running

SIZES = [(1, 100, 25, 65), (32, 128, 50, 65), (32, 256, 64, 65), (64, 512, 64, 100)]
GATES = {"rnn": 1, "gru": 3, "lstm": 4}
SAMPLED = [(128, 65, 1), (128, 65, 8)]
"""Units, vocabulary and texts drawn at once, of the cells in the second table."""
CHARACTERS = 500
CONTENDERS = ("portnn", "torch", "jax", "on torch", "on jax", "floor")


def portnn_step(cell: str, batch: int, hidden: int, length: int, vocabulary: int, library: str = "numpy") -> Run:
    import numpy as np

    import portnn
    from portnn.models import LanguageBatch, RecurrentLM
    from portnn.optimizers import Adagrad
    from portnn.training import StepSettings, Workers, automatic_workers, init_optimizer, make_step

    backend = portnn.backend(library)
    rng = np.random.default_rng(0)
    model, optimizer = RecurrentLM(vocabulary, cell, hidden), Adagrad()
    params = {name: backend.asarray(value) for name, value in model.init(rng).items()}
    ids = rng.integers(0, vocabulary, (2, length, batch))
    chunk = LanguageBatch(backend.asarray(ids[0]), backend.asarray(ids[1]))
    carry = tuple(tuple(backend.asarray(part) for part in layer) for layer in model.initial_carry(batch))
    rate = backend.asarray(np.float64(0.01))
    if library == "torch":
        backend.xp.set_num_threads(THREADS)
    count = automatic_workers(batch, GATES[cell] * hidden, backend)
    workers = while_running.enter_context(Workers(model, backend, count)) if count > 1 else None
    step = make_step(model, optimizer, backend, StepSettings(clip_norm=5.0), workers=workers)
    state = [params, init_optimizer(optimizer, model, params, backend), carry]

    def run() -> None:
        result = step(state[0], state[1], chunk, state[2], rate, rate)
        backend.synchronize(result.loss)
        state[:] = result[:3]

    return run


def torch_step(cell: str, batch: int, hidden: int, length: int, vocabulary: int) -> Run:
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    layer = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](vocabulary, hidden)
    output = torch.nn.Linear(hidden, vocabulary)
    params = [*layer.parameters(), *output.parameters()]
    optimizer = torch.optim.Adagrad(params, lr=0.01)
    ids, targets = torch.randint(0, vocabulary, (length, batch)), torch.randint(0, vocabulary, (length * batch,))
    one_hot = torch.eye(vocabulary)

    def run() -> None:
        optimizer.zero_grad()
        hidden_states, _ = layer(one_hot[ids])
        logits = output(hidden_states).reshape(-1, vocabulary)
        torch.nn.functional.cross_entropy(logits, targets).backward()
        torch.nn.utils.clip_grad_norm_(params, 5.0)
        optimizer.step()

    return run


def jax_step(cell: str, batch: int, hidden: int, length: int, vocabulary: int) -> Run:
    import jax
    import jax.numpy as jnp
    import numpy as np

    rng, gates = np.random.default_rng(0), GATES[cell]

    def draw(*shape: int) -> Any:
        return jnp.asarray(rng.uniform(-0.1, 0.1, shape), jnp.float32)

    params = {
        "ih": draw(vocabulary, gates * hidden),
        "hh": draw(hidden, gates * hidden),
        "bias": draw(gates * hidden),
        "bias_n": draw(hidden),
        "out": draw(hidden, vocabulary),
        "bias_out": draw(vocabulary),
    }
    ids, targets = (jnp.asarray(rng.integers(0, vocabulary, (length, batch))) for _ in range(2))
    zeros = jnp.zeros((batch, hidden), jnp.float32)

    def rnn(p: Any, h: Any, x: Any) -> Any:
        h = jnp.tanh(x + h @ p["hh"])
        return h, h

    def lstm(p: Any, state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(x + h @ p["hh"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    def gru(p: Any, h: Any, x: Any) -> Any:
        (xr, xz, xn), (hr, hz, hn) = jnp.split(x, 3, axis=-1), jnp.split(h @ p["hh"], 3, axis=-1)
        r, z = jax.nn.sigmoid(xr + hr), jax.nn.sigmoid(xz + hz)
        n = jnp.tanh(xn + r * (hn + p["bias_n"]))
        h = (1 - z) * n + z * h
        return h, h

    forward = {"rnn": rnn, "lstm": lstm, "gru": gru}[cell]

    def loss(p: Any) -> Any:
        xs = p["ih"][ids] + p["bias"]
        start = (zeros, zeros) if cell == "lstm" else zeros
        _, hs = jax.lax.scan(lambda state, x: forward(p, state, x), start, xs)
        log_p = jax.nn.log_softmax(hs @ p["out"] + p["bias_out"])
        return -jnp.mean(jnp.take_along_axis(log_p, targets[..., None], axis=-1))

    @jax.jit
    def step(p: Any, sums: Any) -> Any:
        grads = jax.grad(loss)(p)
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
        grads = jax.tree.map(lambda g: g * jnp.minimum(1.0, 5.0 / (norm + 1e-6)), grads)
        sums = jax.tree.map(lambda s, g: s + g * g, sums, grads)
        return jax.tree.map(lambda w, s, g: w - 0.01 * g / (jnp.sqrt(s) + 1e-10), p, sums, grads), sums

    state = [params, jax.tree.map(jnp.zeros_like, params)]

    def run() -> None:
        state[:] = step(*state)
        jax.block_until_ready(state)

    return run


def portnn_sampling(cell: str, hidden: int, vocabulary: int, streams: int) -> Run:
    import numpy as np

    import portnn

    letters = "".join(chr(0x61 + number) for number in range(vocabulary))
    text = "".join(np.random.default_rng(0).permutation(list(letters * 40)))
    model = portnn.CharRNN(cell, hidden_size=hidden, seed=0)
    model.fit(text, steps=1, batch_size=8, seq_length=32, progress=False)
    return lambda: model.sample(CHARACTERS, count=streams)


def torch_sampling(cell: str, hidden: int, vocabulary: int, streams: int) -> Run:
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    # Its layers over whole sequences are slower here: one step at a time is what its cells are for.
    layer = {"rnn": torch.nn.RNNCell, "gru": torch.nn.GRUCell, "lstm": torch.nn.LSTMCell}[cell](vocabulary, hidden)
    output, one_hot = torch.nn.Linear(hidden, vocabulary), torch.eye(vocabulary)

    @torch.inference_mode()
    def run() -> list[list[int]]:
        zeros = torch.zeros(streams, hidden)
        state = (zeros, zeros) if cell == "lstm" else zeros
        ids, drawn = torch.zeros(streams, dtype=torch.long), []
        for _ in range(CHARACTERS):
            state = layer(one_hot[ids], state)
            logits = output(state[0] if cell == "lstm" else state)
            ids = torch.multinomial(torch.softmax(logits, dim=1), 1)[:, 0]
            drawn.append(ids.tolist())
        return drawn

    return run


def floor_step(*_: Any) -> Run:
    import numpy as np

    a, b = np.random.default_rng(0).random((2, 2048, 2048), dtype=np.float32)

    def run() -> None:
        np.matmul(a, b)

    return run


def flops(cell: str, batch: int, hidden: int, length: int, vocabulary: int) -> float:
    """Operations that the matrix products of a step need: one forward, two backward."""
    return 3.0 * length * batch * (2 * GATES[cell] * hidden * hidden + 2 * hidden * vocabulary)


MAKERS = {
    "portnn": portnn_step,
    "on torch": functools.partial(portnn_step, library="torch"),
    "on jax": functools.partial(portnn_step, library="jax"),
    "torch": torch_step,
    "jax": jax_step,
    "floor": floor_step,
}
SAMPLERS = {"portnn": portnn_sampling, "torch": torch_sampling}
TUNED = ("portnn", "floor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="rnn,gru,lstm")
    parser.add_argument("--sizes", default="0,1,2,3", help="which of the four sizes")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each contender in each round")
    parser.add_argument("--no-sampling", action="store_true", help="leave out the second table")
    parser.add_argument("--json", help="write all figures there")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        makers = {"step": MAKERS, "sampling": SAMPLERS}
        serve(lambda what, cell, size: makers[what][options.work](cell, *size), tuned=options.work in TUNED)
        return
    workers = {name: Contender(__file__, name) for name in options.contenders.split(",")}
    machine = describe("numpy", "torch", "jax")
    print("milliseconds a step: median (best); ratios of the medians and of the best\n")
    names = [name for name in workers if name != "floor"]
    print(f"| cell, (B, H, T, V) | {' | '.join(names)} | floor | portnn / best peer | portnn / floor |")
    print("| --- |" + " --- |" * (len(names) + 3))
    rows = []
    for cell in options.cells.split(","):
        for size in (SIZES[int(index)] for index in options.sizes.split(",")):
            row = measure(workers, cell, size, options.rounds, options.seconds)
            rows.append(row)
            print(line(row, names), flush=True)
    sampled = [] if options.no_sampling else sampling(workers, options.cells.split(","), options.rounds)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine, "rows": rows, "sampling": sampled}, file, indent=1)


def sampling(workers: dict[str, Contender], cells: list[str], rounds: int) -> list[dict[str, Any]]:
    """Measure and print the speed of sampling."""
    contenders = {name: workers[name] for name in SAMPLERS if name in workers}
    print("\nsampled characters a second: median (best); ratios of the medians and of the best\n")
    print(f"| cell, units, vocabulary, texts | {' | '.join(contenders)} | portnn / torch |")
    print("| --- |" + " --- |" * (len(contenders) + 1))
    rows = []
    for cell in cells:
        for size in SAMPLED:
            times = take_turns(contenders, ["sampling", cell, size], rounds=rounds, seconds=0.2)
            drawn = CHARACTERS * size[-1]
            speeds = {
                name: {"median": drawn / statistics.median(found), "best": drawn / min(found)}
                for name, found in times.items()
            }
            rows.append({"cell": cell, "size": size, **speeds})
            columns = [f"{speed['median']:,.0f} ({speed['best']:,.0f})" for speed in speeds.values()]
            if len(speeds) == len(SAMPLERS):
                ratios = [speeds["portnn"][kind] / speeds["torch"][kind] for kind in ("median", "best")]
                columns.append(f"{ratios[0]:.2f} ({ratios[1]:.2f})")
            print(f"| {cell}, {', '.join(map(str, size))} | {' | '.join(columns)} |", flush=True)
    return rows


def measure(
    workers: dict[str, Contender], cell: str, size: tuple[int, int, int, int], rounds: int, seconds: float
) -> dict[str, Any]:
    times = take_turns(workers, ["step", cell, size], rounds=rounds, seconds=seconds)
    row: dict[str, Any] = {"cell": cell, "size": size}
    for name, found in times.items():
        scale = flops(cell, *size) / (2.0 * 2048**3) if name == "floor" else 1.0
        row[name] = {"median": 1e3 * scale * statistics.median(found), "best": 1e3 * scale * min(found)}
    return row


def line(row: dict[str, Any], names: list[str]) -> str:
    def ratio(*peers: str) -> str:
        values = [
            row["portnn"][kind] / min(row[peer][kind] for peer in peers) if peers else float("nan")
            for kind in ("median", "best")
        ]
        return f"{values[0]:.2f} ({values[1]:.2f})"

    cells = [f"{row[name]['median']:.3g} ({row[name]['best']:.3g})" for name in [*names, "floor"]]
    peers = [name for name in names if name in ("torch", "jax")]
    return f"| {row['cell']} {tuple(row['size'])} | " + " | ".join([*cells, ratio(*peers), ratio("floor")]) + " |"


if __name__ == "__main__":
    main()
