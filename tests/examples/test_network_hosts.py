"""Hosts made of network namespaces: nothing of them stays, and their lines are as slow as they should be.

Times are compared with the least that a line allows: a machine with other work to do is slower, never faster.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "benchmarks"))

import network_hosts
from network_hosts import hosts, obstacle, said
from network_link import Link
from slow_switch import OFFLOAD, length_of

pytestmark = pytest.mark.host

BENCHMARKS = Path(network_hosts.__file__).parent

WAITING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
sys.path.insert(0, {benchmarks!r})
from network_hosts import hosts
from network_link import Link
with hosts(2, Link(rate=1e8, delay=1e-3)) as network:
    print(*network.namespaces, flush=True)
    network.mpiexec(["sleep", "60"])
"""


def no_hosts() -> str | None:
    """Why this machine can have no hosts; a container may not let even root make namespaces."""
    if reason := obstacle():
        return reason
    try:
        with hosts(1):
            return None
    except RuntimeError as error:
        return str(error)


NO_HOSTS = no_hosts()
needs_hosts = pytest.mark.skipif(NO_HOSTS is not None, reason=f"no network namespaces here: {NO_HOSTS}")


def ours(process: int) -> list[str]:
    """Namespaces of a process's hosts."""
    return [name for name in os.listdir("/run/netns") if name.startswith(f"portnn-{process}-")]


def run(network: network_hosts.Hosts, *tasks: tuple[str, dict[str, object]], ppn: int = 1) -> list[dict]:
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: no MPI job has run over the hosts")
    command = [sys.executable, BENCHMARKS / "network_ranks.py", json.dumps(tasks)]
    return json.loads(network.mpiexec(command, ppn=ppn, timeout=100))


@pytest.mark.parametrize(
    ("text", "link", "shown"),
    [
        ("none", Link(), "unshaped"),
        ("10gbit", Link(rate=1e10), "10 Gb/s"),
        ("100mbit+1ms", Link(rate=1e8, delay=1e-3), "100 Mb/s + 1 ms"),
        ("2.5gbit+50us", Link(rate=2.5e9, delay=5e-5), "2.5 Gb/s + 0.05 ms"),
        ("5ms", Link(delay=5e-3), "5 ms"),
    ],
)
def test_links_are_read_and_shown(text, link, shown):
    assert Link.parse(text) == link
    assert str(link) == shown


@pytest.mark.parametrize("text", ["", "fast", "10", "0ms", "1gbit+", "1Gbit", "-1ms", "1gbit 1ms"])
def test_what_is_no_link_is_named(text):
    with pytest.raises(ValueError, match="expected none, or a rate and a delay"):
        Link.parse(text)


def test_a_segment_is_as_long_as_its_packets():
    """3,000 bytes with 66 of headers, to be sent as packets of 1,448: three, each with headers of its own."""
    whole = OFFLOAD.pack(0, 0, 0, 0, 0, 0) + bytes(1514)
    assert length_of(whole) == 1514
    segment = OFFLOAD.pack(1, 1, 66, 1448, 34, 16) + bytes(66 + 3000)
    assert length_of(segment) == 3000 + 3 * 66


@pytest.mark.skipif(sys.platform != "linux", reason="another reason comes first")
def test_obstacles_are_named(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert obstacle() == "only root may make network namespaces"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    assert obstacle() == "not installed: ip (iproute2), tc (iproute2), taskset (util-linux)"
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "network.py"], env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.endswith("nothing was measured\n")


@needs_hosts
def test_hosts_are_removed_after_an_exception():
    with pytest.raises(ZeroDivisionError), hosts(3, Link(delay=1e-3)) as network:  # noqa: PT012
        assert sorted(ours(os.getpid())) == sorted([*network.namespaces, f"portnn-{os.getpid()}-switch"])
        raise ZeroDivisionError
    assert ours(os.getpid()) == []


@needs_hosts
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_hosts_and_their_processes_end_with_the_run(number):
    """Beside another run, whose hosts have the same addresses."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed: no MPI job has run over the hosts")
    command = [sys.executable, "-c", WAITING.format(benchmarks=str(BENCHMARKS))]
    with hosts(2) as network:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        names = process.stdout.readline().split()
        assert len(names) == 2
        inside = [pid for name in (*names, f"portnn-{process.pid}-switch") for pid in pids(name)]
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode != 0
        assert ours(process.pid) == []
        assert not [pid for pid in inside if runs(pid)]
        assert len(network.counters()) == 2


def pids(namespace: str) -> list[str]:
    return said(["ip", "netns", "pids", namespace]).split()


def runs(process: str) -> bool:
    """Whether a process exists and has not ended; one that has ended may still wait to be asked how."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


@needs_hosts
def test_ranks_run_on_hosts_of_their_own_and_all_bytes_cross_the_line():
    with hosts(2) as network:
        before = network.counters()
        where, found = run(network, ("facts", {}), ("allreduce", {"size": 10_000_000, "rounds": 1}))
        after = network.counters()
    assert (where["namespaces"], where["neighbours"]) == (2, [1])
    assert found["sent"] == pytest.approx(10e6, rel=0.1)
    for old, new in zip(before, after, strict=True):
        assert min(new[0] - old[0], new[1] - old[1]) > 2 * 10e6


@needs_hosts
def test_two_ranks_on_each_host_see_one_another():
    with hosts(2) as network:
        (where,) = run(network, ("facts", {}), ppn=2)
    assert (where["namespaces"], where["neighbours"]) == (2, [2])


@needs_hosts
def test_delay_and_rate_show():
    """Two hosts exchange a short vector in a message each, a long one in two, which take 84 ms at 100 Mb/s."""
    short, long = ("allreduce", {"size": 4, "rounds": 3}), ("allreduce", {"size": 1_000_000, "rounds": 1})
    with hosts(2, Link(delay=5e-3)) as network:
        delayed, _ = run(network, short, long)
    assert delayed["seconds"] >= 4.9e-3
    with hosts(2, Link(rate=1e8)) as network:
        _, limited = run(network, short, long)
    assert limited["seconds"] >= 76e-3
    with hosts(2, Link(rate=1e8, delay=5e-3)) as network:
        delayed, both = run(network, short, long)
    assert delayed["seconds"] >= 4.9e-3
    assert both["seconds"] >= 90e-3
