"""Hosts with a network between them, on one machine: Linux's network namespaces, joined by a switch.

    with hosts(2, Link(rate=1e9, delay=1e-4)) as network:
        print(network.mpiexec(["portnn", "char-rnn", "train", "book.txt"]))

A host is a namespace with an address of its own, from which the others can be reached through the switch alone. Its
cores are a share of the machine's; if there are fewer cores than hosts, these have to take turns. Memory, files and the
machine's name are the same on all. Nothing outside the namespaces changes, and they are removed at the end, with all
processes in them; only a run that is ended by SIGKILL leaves them behind (`ip netns`).

The switch is a bridge, with netem for links with a delay; a kernel without netem gets slow_switch.py in its place. Root
alone may make namespaces.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from network_link import Link
from slow_switch import slow_switch

NETWORK = "10.77.0"
"""The hosts are .1, .2, ... of it. Only they see these addresses, so that they may be in use elsewhere."""

INTERFACE = "eth0"
"""Name of every host's interface."""

TCP_ALONE = {
    # UCX and libfabric see that all ranks run on one kernel, and would exchange data in its memory.
    "UCX_TLS": "tcp,self",
    "UCX_NET_DEVICES": INTERFACE,
    "FI_PROVIDER": "tcp",
    "FI_TCP_IFACE": INTERFACE,
}
"""Environment in which hosts of MPICH reach one another over the network alone, be it built with UCX or libfabric."""

TOOLS = {"ip": "iproute2", "tc": "iproute2", "taskset": "util-linux"}
"""Commands that are needed, and the packages that have them."""

# Called as ssh would be: options, none of which has a value, an address, and words for a shell.
LAUNCHER = """#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do shift; done
case $1 in
{cases}
esac
"""


class Hosts:
    """Hosts that run; `hosts` makes them.

    Attributes
    ----------
    namespaces, addresses : list of str
    cores : list of str
        Of each host, with commas.
    delayed_by : str
        What slows packets down: "kernel" or "slow_switch.py".
    """

    def __init__(self, namespaces: list[str], folder: str, delayed_by: str) -> None:
        self.namespaces, self.delayed_by = namespaces, delayed_by
        self.addresses = [f"{NETWORK}.{number}" for number in range(1, len(namespaces) + 1)]
        available = list(map(str, sorted(os.sched_getaffinity(0))))
        shares = [available[first :: len(namespaces)] for first in range(len(namespaces))]
        self.cores = [",".join(own) or available[first % len(available)] for first, own in enumerate(shares)]
        cases = (
            f'{address}) shift; exec {" ".join(self.on(number, ["sh", "-c"]))} "$*";;'
            for number, address in enumerate(self.addresses)
        )
        self._launcher = Path(folder, "launch")
        self._launcher.write_text(LAUNCHER.format(cases="\n".join(cases)), encoding="utf-8")
        self._launcher.chmod(0o700)

    def on(self, host: int, command: Sequence[object]) -> list[str]:
        """Words of a command that runs another on a host, counted from 0."""
        words = ["ip", "netns", "exec", self.namespaces[host], "taskset", "-c", self.cores[host], *command]
        return list(map(str, words))

    def mpiexec(
        self, command: Sequence[object], *, ppn: int = 1, env: Mapping[str, str] | None = None, timeout: float = 600.0
    ) -> str:
        """Run an MPI job on all hosts, and return what it printed.

        Parameters
        ----------
        command : sequence
        ppn : int
            Processes on each host.
        env : mapping, optional
            Added to the environment of this process and `TCP_ALONE`.
        timeout : float
            Seconds.

        Raises
        ------
        RuntimeError
            If it fails, with what it said.
        subprocess.TimeoutExpired
        """
        # Hydra asks the launcher for every host but its own, which is the first.
        where = ("-localhost", self.addresses[0], "-hosts", ",".join(self.addresses))
        count = ("-ppn", ppn, "-n", ppn * len(self.addresses))
        launcher = ("-launcher", "ssh", "-launcher-exec", self._launcher)
        words = self.on(0, [mpiexec(), *where, *count, *launcher, *command])
        return said(words, env={**os.environ, **TCP_ALONE, **(env or {})}, timeout=timeout)

    def counters(self) -> list[tuple[int, int]]:
        """Bytes that each host's interface has sent and received."""
        shown = (said(["ip", "-n", name, "-s", "-j", "link", "show", INTERFACE]) for name in self.namespaces)
        counts = (json.loads(text)[0]["stats64"] for text in shown)
        return [(count["tx"]["bytes"], count["rx"]["bytes"]) for count in counts]


@contextlib.contextmanager
def hosts(count: int, link: Link | None = None) -> Iterator[Hosts]:
    """Have hosts, joined by a switch, until the context ends.

    Parameters
    ----------
    count : int
    link : Link, optional
        Of every host; by default unshaped.

    Raises
    ------
    RuntimeError
        If they cannot be made, with the reason.
    """
    if reason := obstacle():
        raise RuntimeError(reason)
    run = f"portnn-{os.getpid()}"
    switch, namespaces = f"{run}-switch", [f"{run}-{number}" for number in range(1, count + 1)]
    with _sigterm_unwinds(), tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        for namespace in (switch, *namespaces):
            stack.callback(_remove, namespace)
            said(["ip", "netns", "add", namespace])
        ports = [_plug(namespace, number, switch) for number, namespace in enumerate(namespaces, 1)]
        delayed_by = _join(namespaces, switch, ports, link or Link(), stack)
        yield Hosts(namespaces, folder, delayed_by)


def obstacle() -> str | None:
    """Why there can be no hosts here; None if there can."""
    if sys.platform != "linux":
        return f"network namespaces are Linux's; this is {sys.platform}"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    missing = [f"{tool} ({package})" for tool, package in TOOLS.items() if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


def mpiexec() -> str:
    """The mpiexec of this Python's environment, or else that of PATH."""
    if found := shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec"):
        return found
    raise RuntimeError('mpiexec is not installed; python -m pip install "portnn[mpi]"')


def said(command: Sequence[object], **options: Any) -> str:
    """What a command printed; if it fails, RuntimeError with its words."""
    words = list(map(str, command))
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _plug(namespace: str, number: int, switch: str) -> str:
    """Give a host its interface, and return the port of the switch at the other end."""
    port = f"port{number}"
    said(["ip", "link", "add", INTERFACE, "netns", namespace, "type", "veth", "peer", "name", port, "netns", switch])
    said(["ip", "-n", namespace, "address", "add", f"{NETWORK}.{number}/24", "dev", INTERFACE])
    for where, interface in ((namespace, "lo"), (namespace, INTERFACE), (switch, port)):
        said(["ip", "-n", where, "link", "set", interface, "up"])
    # Every kernel lets a namespace have Reno. It sends as fast as the receiver allows, as long as nothing is lost.
    said(["ip", "netns", "exec", namespace, "sh", "-c", "echo reno > /proc/sys/net/ipv4/tcp_congestion_control"])
    return port


def _join(namespaces: list[str], switch: str, ports: list[str], link: Link, stack: contextlib.ExitStack) -> str:
    """Make ports into a switch, and lines as slow as they are to be. Returns what slows packets down."""
    for namespace in namespaces:
        _shape(namespace, INTERFACE, link.sending())
    try:
        for port in ports:
            _shape(switch, port, link.switching())
    except RuntimeError:
        if not link.delay:
            raise
        stack.enter_context(slow_switch(switch, ports, link.rate, link.delay))
        return "slow_switch.py"
    said(["ip", "-n", switch, "link", "add", "switch", "type", "bridge"])
    said(["ip", "-n", switch, "link", "set", "switch", "up"])
    for port in ports:
        said(["ip", "-n", switch, "link", "set", port, "master", "switch"])
    return "kernel"


def _shape(namespace: str, interface: str, discipline: list[str]) -> None:
    if discipline:
        said(["tc", "-n", namespace, "qdisc", "replace", "dev", interface, "root", *discipline])


def _remove(namespace: str) -> None:
    """Remove a namespace and end the processes in it, undisturbed by Ctrl-C."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if Path("/run/netns", namespace).exists():
            while processes := said(["ip", "netns", "pids", namespace]).split():
                for process in processes:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(process), signal.SIGKILL)
                time.sleep(0.01)
            said(["ip", "netns", "delete", namespace])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl-C does, so that contexts are left."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
