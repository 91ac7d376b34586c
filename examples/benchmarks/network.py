"""Times of all-reduces and training steps over networks, beside those that a model predicts; for root on Linux.

    python examples/benchmarks/network.py [--links none,10gbit,1gbit+0.1ms,100mbit+1ms] [--hosts 2,4] [--json FILE]
    python examples/benchmarks/network.py --env UCX_RNDV_THRESH=inf    # what MPICH or its network library understands

Hosts are network namespaces of this machine (network_hosts.py), with one rank each, and share its cores; if these are
fewer than the hosts, ranks have to take turns, and the figures say so. The all-reduce is that of portnn's training,
whose step (`portnn.CharRNN`, batch 32, 256 units, 64 characters, vocabulary of 65) is measured with workers="mpi".

The model is that of cost_model.py. Its constants: latency and bandwidth of a message between hosts without shaping are
measured between pairs of ranks, all at once; a link adds its delay, and its rate limits the bandwidth. Computing a part
is what a step takes without others and without the update, measured on all hosts at once, since they share a machine;
hosts of their own would take the time "alone".
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from contenders import THREADS, describe
from cost_model import ALLREDUCE, Network, step
from network_hosts import Hosts, hosts, obstacle, said
from network_link import Link

RANKS = str(Path(__file__).with_name("network_ranks.py"))

BATCH = 32

ALGORITHMS = {
    "auto": "auto",
    "recursive_doubling": "sched_recursive_doubling",
    "reduce_scatter_allgather": "sched_reduce_scatter_allgather",
    "ring": "tsp_ring",
}
"""What MPICH calls them, in MPIR_CVAR_IALLREDUCE_INTRA_ALGORITHM."""

Task = tuple[str, dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", default="none,10gbit,1gbit+0.1ms,100mbit+1ms")
    parser.add_argument("--hosts", default="2,4", help="how many")
    parser.add_argument("--megabytes", default="0.1,1,10", help="lengths of the vectors that are added up")
    parser.add_argument("--algorithm", choices=list(ALLREDUCE), default="auto", help="of the all-reduce")
    parser.add_argument("--cell", default="lstm", help="of the network that is trained")
    parser.add_argument("--rounds", type=int, default=5, help="of several all-reduces each, of which the median counts")
    parser.add_argument("--steps", type=int, default=60, help="of training")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="environment of the ranks")
    parser.add_argument("--json", help="write all figures there")
    options = parser.parse_args()
    if reason := obstacle():
        raise SystemExit(f"network: {reason}; nothing was measured")
    try:
        links = [Link.parse(text) for text in options.links.split(",")]
    except ValueError as error:
        parser.error(str(error))
    counts = [int(text) for text in options.hosts.split(",")]
    if min(counts) < 2:
        parser.error("a network has two hosts or more")
    env = dict(pair.split("=", 1) for pair in options.env)
    env["MPIR_CVAR_IALLREDUCE_INTRA_ALGORITHM"] = ALGORITHMS[options.algorithm]
    machine = describe("numpy", "mpi4py")
    print(f"all-reduce: {options.algorithm}; environment of the ranks:", *options.env or ["as it comes"])
    results = []
    for count in counts:
        constants = measured_constants(count, options.cell, options.steps, env)
        print(explained(count, constants), flush=True)
        rows = [row for link in links for row in measured(count, link, constants, options, env)]
        results.append({"hosts": count, "constants": constants, "rows": rows})
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine, "environment": env, "results": results}, file, indent=1)


def measured_constants(count: int, cell: str, steps: int, env: dict[str, str]) -> dict[str, Any]:
    """What the model has to know of hosts without shaping, and of a part of a batch."""
    part: Task = ("training", {"batch": BATCH // count, "cell": cell, "workers": 1, "steps": steps})
    with hosts(count) as network:
        (alone,) = json.loads(said(network.on(0, [sys.executable, RANKS, json.dumps([part])])))
        found = run(network, [("facts", {}), ("messages", {}), part, ("update", {"cell": cell})], env)
    where, between, at_once, update = found
    if where["namespaces"] != count:
        raise SystemExit(f"network: {count} ranks run in {where['namespaces']} namespaces")
    compute = at_once["seconds"] - update["seconds"]
    return {
        **where,
        **between,
        "compute": compute,
        "update": update["seconds"],
        "alone": alone["seconds"] - update["seconds"],
    }


def explained(count: int, constants: dict[str, Any]) -> str:
    """The constants, and the head of the table that follows."""
    if count > THREADS:
        cores = f"{count} ranks on {THREADS} cores: they take turns, and times say little about hosts of their own"
    else:
        cores = f"{count} ranks on {THREADS} cores, one each"
    part = f"a part of {BATCH // count} sequences"
    latency, bandwidth, adding = (constants[name] for name in ("latency", "bandwidth", "addition"))
    compute, alone, update = (1e3 * constants[name] for name in ("compute", "alone", "update"))
    columns = (
        "hosts, link",
        "what",
        "ms",
        "model",
        "ms / model",
        "of which",
        "MB that host 1 sends",
        "MB in the model",
    )
    neighbours = " or ".join(map(str, constants["neighbours"]))
    lines = (
        f"\n{constants['mpi']}, {cores}; ranks that it sees on a host: {neighbours}",
        f"unshaped: a message {1e6 * latency:.0f} us, {bandwidth / 1e6:.0f} MB/s both ways at once, "
        f"adding {1e9 * adding:.2f} ns a byte",
        f"{part}: computing {compute:.1f} ms on all hosts at once ({alone:.1f} alone), update {update:.2f} ms\n",
        f"| {' | '.join(columns)} |",
        "| --- " * len(columns) + "|",
    )
    return "\n".join(lines)


def measured(
    count: int, link: Link, constants: dict[str, Any], options: argparse.Namespace, env: dict[str, str]
) -> list[dict[str, Any]]:
    """Measure a link, print its lines, and return them."""
    sizes = [round(1e6 * float(text)) for text in options.megabytes.split(",")]
    tasks: list[Task] = [("allreduce", {"size": size, "rounds": options.rounds}) for size in sizes]
    tasks.append(("training", {"batch": BATCH, "cell": options.cell, "workers": "mpi", "steps": options.steps}))
    with hosts(count, link) as network:
        *sums, training = run(network, tasks, env)
        delayed_by = network.delayed_by
    bandwidth = min(constants["bandwidth"], link.bandwidth or float("inf"))
    line = Network(constants["latency"] + link.delay, bandwidth, constants["addition"])
    allreduce = ALLREDUCE[options.algorithm]
    rows = []
    for size, found in zip(sizes, sums, strict=True):
        parts = {
            "messages": allreduce(count, size, Network(line.latency, float("inf"))),
            "bytes": allreduce(count, size, Network(0.0, line.bandwidth)),
            "adding": allreduce(count, size, Network(0.0, float("inf"), line.addition)),
        }
        own = allreduce(count, size, Network(0.0, 1.0))  # at a byte a second: the bytes of a host
        rows.append({"what": f"{size / 1e6:g} MB", **found, "model": sum(parts.values()), "parts": parts, "bytes": own})
    parts = {name: constants[name] for name in ("compute", "update")}
    parts["allreduce"] = allreduce(count, training["bytes"], line)
    rows.append({"what": f"step, {training['bytes'] / 1e6:.2f} MB", **training, "model": step(**parts), "parts": parts})
    for row in rows:
        row.update(hosts=count, link=str(link), delayed_by=delayed_by)
        print(line_of(row), flush=True)
    return rows


def line_of(row: dict[str, Any]) -> str:
    parts = " + ".join(f"{1e3 * seconds:.3g} {name}" for name, seconds in row["parts"].items())
    sent = f"{row['sent'] / 1e6:.3g} | {row['bytes'] / 1e6:.3g}" if "sent" in row else " | "
    figures = f"{1e3 * row['seconds']:.3g} | {1e3 * row['model']:.3g} | {row['seconds'] / row['model']:.2f}"
    link = row["link"] if row["delayed_by"] == "kernel" else f"{row['link']} ({row['delayed_by']})"
    return f"| {row['hosts']}, {link} | {row['what']} | {figures} | {parts} | {sent} |"


def run(network: Hosts, tasks: list[Task], env: dict[str, str]) -> list[Any]:
    """Let all hosts do tasks; returns what the first rank found."""
    found: list[Any] = json.loads(network.mpiexec([sys.executable, RANKS, json.dumps(tasks)], env=env))
    return found


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        raise SystemExit(f"network: {error}") from None
