"""What the char-RNN benchmark measures: one training step, and sampling, by each contender.

A step is forward, backward, clipping to a global norm of 5, and Adagrad, float32, on one-hot ids. Every step has been
computed when `run()` returns. On a GPU float32 means float32: TF32 is off, except where a contender is named after it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from contenders import THREADS, Run

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
CHARACTERS = 500
"""Characters that are sampled in one go."""
FLOOR = {"cpu": 2048, "cuda": 4096}
"""Rows and columns of the matrices whose product gives the floor."""


def portnn_step(
    cell: str, batch: int, hidden: int, length: int, vocabulary: int, library: str = "numpy", device: str | None = None
) -> Run:
    import numpy as np

    import portnn
    from portnn.models import LanguageBatch, RecurrentLM
    from portnn.optimizers import Adagrad
    from portnn.training import StepSettings, automatic_workers, init_optimizer, make_step

    backend = portnn.backend(library, device=device)
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
    if count > 1:
        from shared_steps import Training, shared_steps

        make = functools.partial(part_of_chunk, ids)
        shared = shared_steps(
            Training(model, optimizer, backend, StepSettings(clip_norm=5.0), 0.01, batch, make), count
        )
        return lambda: shared(0)
    step = make_step(model, optimizer, backend, StepSettings(clip_norm=5.0))
    state = [params, init_optimizer(optimizer, model, params, backend), carry]

    def run() -> None:
        result = step(state[0], state[1], chunk, state[2], rate, rate)
        backend.synchronize(result.loss)
        state[:] = result[:3]

    return run


def part_of_chunk(ids: Any, what: object, part: Any) -> Any:
    """The part of one chunk, inputs and targets (2, time, batch), as which every batch is taken."""
    from portnn.batches import Batch
    from portnn.models import LanguageBatch

    rows = ids.shape[2]
    inputs, targets = ids[:, :, part.cut(rows)]
    return Batch(LanguageBatch(inputs, targets), 1.0, False, part.share(rows), part.size)


def torch_step(
    cell: str, batch: int, hidden: int, length: int, vocabulary: int, device: str = "cpu", tf32: bool = False
) -> Run:
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(THREADS)
    if not tf32:
        torch.backends.cudnn.allow_tf32 = False  # cuDNN's layers use it by default, products do not
    layer = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](vocabulary, hidden).to(device)
    output = torch.nn.Linear(hidden, vocabulary).to(device)
    params = [*layer.parameters(), *output.parameters()]
    optimizer = torch.optim.Adagrad(params, lr=0.01)
    ids = torch.randint(0, vocabulary, (length, batch), device=device)
    targets = torch.randint(0, vocabulary, (length * batch,), device=device)
    one_hot = torch.eye(vocabulary, device=device)

    def run() -> None:
        optimizer.zero_grad()
        hidden_states, _ = layer(one_hot[ids])
        logits = output(hidden_states).reshape(-1, vocabulary)
        torch.nn.functional.cross_entropy(logits, targets).backward()
        torch.nn.utils.clip_grad_norm_(params, 5.0)
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def jax_step(cell: str, batch: int, hidden: int, length: int, vocabulary: int, precision: str | None = None) -> Run:
    import jax
    import jax.numpy as jnp
    import numpy as np

    jax.config.update("jax_default_matmul_precision", precision)
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


def floor_step(*_: Any, device: str = "cpu") -> Run:
    import numpy as np

    import portnn

    backend = portnn.backend("cupy" if device == "cuda" else "numpy")
    a, b = (backend.asarray(matrix) for matrix in np.random.default_rng(0).random((2, FLOOR[device], FLOOR[device])))

    def run() -> None:
        backend.synchronize(backend.xp.matmul(a, b))

    return run


def flops(cell: str, batch: int, hidden: int, length: int, vocabulary: int) -> float:
    """Operations that the matrix products of a step need: one forward, two backward."""
    return 3.0 * length * batch * (2 * GATES[cell] * hidden * hidden + 2 * hidden * vocabulary)


STEPS: dict[str, dict[str, Callable[..., Run]]] = {
    "cpu": {
        "portnn": portnn_step,
        "torch": torch_step,
        "jax": jax_step,
        "on torch": functools.partial(portnn_step, library="torch"),
        "on jax": functools.partial(portnn_step, library="jax"),
        "floor": floor_step,
    },
    "cuda": {
        "cupy": functools.partial(portnn_step, library="cupy"),
        "on torch": functools.partial(portnn_step, library="torch", device="cuda"),
        "on jax": functools.partial(portnn_step, library="jax", device="cuda"),
        "torch": functools.partial(torch_step, device="cuda"),
        "torch tf32": functools.partial(torch_step, device="cuda", tf32=True),
        "jax": functools.partial(jax_step, precision="float32"),
        "floor": functools.partial(floor_step, device="cuda"),
    },
}
"""Contenders by device."""
OURS = {"cpu": ("portnn",), "cuda": ("cupy", "on torch", "on jax")}
"""Those whose best is compared with the best of the peers."""
PEERS = ("torch", "jax")
SAMPLERS = {"portnn": portnn_sampling, "torch": torch_sampling}
