"""A switch whose lines are slow, for kernels that cannot delay packets: some small ones are built without netem.

    ip netns exec NAMESPACE python examples/benchmarks/slow_switch.py --rate 1e8 --delay 0.001 p1 p2 p3

takes each Ethernet frame that comes in at one of these interfaces, keeps it for as long as the line would, and sends it
out where its receiver is: the bits of a frame follow one another at `rate` bits/s, which the sender's and the
receiver's line share with the frames before, and arrive `delay` seconds later. Nothing is dropped.

The kernel hands over TCP's segments as it has them, up to 64 KiB long, so that Python has some thousand frames a second
to look at, not a hundred thousand; their length on the line is that of the packets which a network card would make of
them. A frame is some tens of microseconds late, and takes as much time of a core, which the hosts do not get: this is
for links of up to some Gb/s whose delay is longer than that.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator

# From linux/if_packet.h and linux/if_ether.h; Python's socket has no names for them.
SOL_PACKET, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 15, 23, 3

SO_RCVBUFFORCE, WAITING = 33, 1 << 27
"""Socket option, from asm/socket.h, and bytes that may wait at a port while this process does something else."""

OFFLOAD = struct.Struct("=BBHHHH")
"""What comes before each frame: flags, kind, bytes of the headers, payload of a packet, place of the checksum."""

LONGEST = OFFLOAD.size + 14 + (1 << 16)


class Line:
    """One direction of the line between a host and the switch: how long its bits are busy, and what is on its way."""

    def __init__(self) -> None:
        self.free = 0.0
        self.on_the_way: collections.deque[tuple[float, bytes]] = collections.deque()


class Switch:
    """Ports, each with a line in and a line out.

    Parameters
    ----------
    names : list of str
        Interfaces.
    rate : float or None
        Bits/s of each line.
    delay : float
        Seconds from one host to another.
    """

    def __init__(self, names: list[str], rate: float | None, delay: float) -> None:
        self.ports = [port(name) for name in names]
        self.into, self.out = ([Line() for _ in names] for _ in range(2))
        self.per_bit, self.delay = 0.0 if rate is None else 1.0 / rate, delay
        self.place: dict[bytes, int] = {}
        """Port behind which an Ethernet address has been seen."""

    def serve(self) -> None:
        """Pass on frames for ever."""
        while True:
            due = min((line.on_the_way[0][0] for line in self.out if line.on_the_way), default=None)
            wait = None if due is None else max(0.0, due - time.monotonic())
            for ready in select.select(self.ports, [], [], wait)[0]:
                self.take(self.ports.index(ready))
            now = time.monotonic()
            for destination, line in zip(self.ports, self.out, strict=True):
                while line.on_the_way and line.on_the_way[0][0] <= now:
                    destination.send(line.on_the_way.popleft()[1])

    def take(self, here: int) -> None:
        """Read all frames that have come in at a port, and put them on the lines out."""
        while True:
            try:
                frame = self.ports[here].recv(LONGEST)
            except BlockingIOError:
                return
            now, start = time.monotonic(), OFFLOAD.size
            receiver, sender = frame[start : start + 6], frame[start + 6 : start + 12]
            self.place[sender] = here
            there = self.place.get(receiver)
            everywhere = [port for port in range(len(self.ports)) if port != here]
            for port in everywhere if there is None else [there]:
                line = self.out[port]
                # Its first bit leaves when both lines are free: a switch passes bits on, not whole frames.
                begin = max(now, self.into[here].free, line.free)
                line.free = self.into[here].free = begin + 8 * length_of(frame) * self.per_bit
                line.on_the_way.append((line.free + self.delay, frame))


def length_of(frame: bytes) -> int:
    """Bytes of the packets that a network card would make of a frame."""
    length = len(frame) - OFFLOAD.size
    _, kind, header, payload, _, _ = map(int, OFFLOAD.unpack_from(frame))
    if not kind:
        return length
    packets = -(-(length - header) // payload)
    return length + (packets - 1) * header


def port(name: str) -> socket.socket:
    """Socket that receives what an interface receives, and sends through it."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    raw.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    raw.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, WAITING)
    raw.bind((name, ETH_P_ALL))
    raw.setblocking(False)
    return raw


@contextlib.contextmanager
def slow_switch(namespace: str, ports: list[str], rate: float | None, delay: float) -> Iterator[None]:
    """Have such a switch in a network namespace until the context ends; RuntimeError if it does not start."""
    command = ["ip", "netns", "exec", namespace, sys.executable, __file__, "--delay", str(delay)]
    command += [*([] if rate is None else ["--rate", str(rate)]), *ports]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None or process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{__file__} did not start")
        yield
    finally:
        process.kill()
        process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, help="bits/s of each line; without it, as fast as this goes")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds from one host to another")
    parser.add_argument("ports", nargs="+", help="interfaces")
    options = parser.parse_args()
    switch = Switch(options.ports, options.rate, options.delay)
    # Hosts that poll must not keep a switch from its work; a real one has a processor of its own.
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    print("ready", flush=True)
    switch.serve()


if __name__ == "__main__":
    main()
