"""Time of a char-RNN training step: portnn on NumPy, PyTorch and JAX, against PyTorch, JAX and the machine's floor.

    python examples/benchmarks/char_rnn.py [--cells rnn,gru,lstm] [--seconds 4] [--json FILE] [--no-sampling]
    python examples/benchmarks/char_rnn.py --device cuda --rounds 3 --seconds 0.06

A step is forward, backward, clipping to a global norm of 5, and Adagrad, float32, on one-hot ids. Every contender
lives in a process of its own, so that none disturbs another's threads, and they take turns: some steps of one, some
of the next, round after round. portnn on NumPy has as many workers as its command line would take; "on torch" and "on
jax" are portnn's step on these libraries, beside their own layers with their own gradients. The floor is the time that
the matrix products alone would take at the rate of a product of 2048 x 2048 float32 matrices, measured in the same
rounds.

A second table has the speed of sampling: characters a second of one text, and of eight drawn at once, by portnn on
NumPy and by PyTorch in inference mode with one thread. A character is one step of the cell, the logits and a draw.

With `--device cuda` the contenders run on a GPU: portnn on CuPy ("cupy"), PyTorch and JAX against PyTorch's layers on
cuDNN, without TF32 and as they come ("torch tf32"), and JAX's own gradients. The floor there is measured with matrices
of 4096 x 4096 on CuPy. Every step is waited for. There is no second table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from typing import Any

from char_rnn_contenders import CHARACTERS, FLOOR, OURS, PEERS, SAMPLERS, STEPS, flops
from contenders import Contender, describe, serve, take_turns

SIZES = [(1, 100, 25, 65), (32, 128, 50, 65), (32, 256, 64, 65), (64, 512, 64, 100)]
SAMPLED = [(128, 65, 1), (128, 65, 8)]
"""Units, vocabulary and texts drawn at once, of the cells in the second table."""
TUNED = ("portnn", "floor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="rnn,gru,lstm")
    parser.add_argument("--sizes", default="0,1,2,3", help="which of the four sizes")
    parser.add_argument("--device", choices=list(STEPS), default="cpu")
    parser.add_argument("--contenders", help="by default all that the device has")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each contender in each round")
    parser.add_argument("--no-sampling", action="store_true", help="leave out the second table")
    parser.add_argument("--json", help="write all figures there")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        makers = {"step": STEPS[options.device], "sampling": SAMPLERS}
        tuned = options.device == "cpu" and options.work in TUNED
        serve(lambda what, cell, size: makers[what][options.work](cell, *size), tuned=tuned)
        return
    on_gpu = options.device == "cuda"
    if on_gpu:
        os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # JAX would take most of the memory for itself
    chosen = options.contenders.split(",") if options.contenders else STEPS[options.device]
    workers = {name: Contender(__file__, name, "--device", options.device) for name in chosen}
    machine = describe("numpy", "torch", "jax", gpu=on_gpu)
    print("milliseconds a step: median (best); ratios of the medians and of the best\n")
    ours = " or ".join(OURS[options.device])
    print(f"| cell, (B, H, T, V) | {' | '.join(workers)} | {ours} / best peer | {ours} / floor |")
    print("| --- |" + " --- |" * (len(workers) + 2))
    rows = []
    for cell in options.cells.split(","):
        for size in (SIZES[int(index)] for index in options.sizes.split(",")):
            row = measure(workers, cell, size, options.rounds, options.seconds, FLOOR[options.device])
            rows.append(row)
            print(line(row, list(workers), OURS[options.device]), flush=True)
    sampled = [] if options.no_sampling or on_gpu else sampling(workers, options.cells.split(","), options.rounds)
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
    workers: dict[str, Contender],
    cell: str,
    size: tuple[int, int, int, int],
    rounds: int,
    seconds: float,
    side: int,
) -> dict[str, Any]:
    times = take_turns(workers, ["step", cell, size], rounds=rounds, seconds=seconds)
    row: dict[str, Any] = {"cell": cell, "size": size}
    for name, found in times.items():
        scale = flops(cell, *size) / (2.0 * side**3) if name == "floor" else 1.0
        row[name] = {"median": 1e3 * scale * statistics.median(found), "best": 1e3 * scale * min(found)}
    return row


def line(row: dict[str, Any], names: list[str], ours: tuple[str, ...]) -> str:
    def best(kind: str, among: tuple[str, ...]) -> float:
        return min((row[name][kind] for name in among if name in row), default=float("nan"))

    def ratio(*others: str) -> str:
        values = [best(kind, ours) / best(kind, others) for kind in ("median", "best")]
        return f"{values[0]:.2f} ({values[1]:.2f})"

    cells = [f"{row[name]['median']:.3g} ({row[name]['best']:.3g})" for name in names]
    return f"| {row['cell']} {tuple(row['size'])} | " + " | ".join([*cells, ratio(*PEERS), ratio("floor")]) + " |"


if __name__ == "__main__":
    main()
