"""How long a data-parallel training step takes on hosts with a network between them: a model in closed form.

A message of m bytes takes `latency + m / bandwidth`, and a host sends and receives at the same time. Adding m bytes to
others takes `addition * m`. Three ways to add up a vector of m bytes on n hosts follow from that, where L = log2 n:

    recursive doubling         L latency           + L m / bandwidth               + L m addition
    reduce-scatter, allgather  2 L latency         + 2 (n - 1) / n m / bandwidth   + (n - 1) / n m addition
    ring                       2 (n - 1) latency   + 2 (n - 1) / n m / bandwidth   + (n - 1) / n m addition

If n is no power of two, MPICH lets some hosts give their vectors to others before the first two, and get the sums
afterwards: L is that of the largest power of two, in whose place n stands, and two messages and one addition of the
whole vector are added. The second is Rabenseifner's algorithm; no way can have less than its bytes.

A step computes a part of the batch on each host, adds up the gradients, and updates the parameters, on each host alike:

    step = compute(batch / n) + allreduce(n, m) + update

References
----------
R. Thakur, R. Rabenseifner, W. Gropp, Optimization of collective communication operations in MPICH, International
Journal of High Performance Computing Applications 19(1), 2005, pages 49-66 (the model and the first two ways).
P. Patarasuk, X. Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, Journal of Parallel and
Distributed Computing 69(2), 2009, pages 117-124 (the ring).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SHORT = 2048
"""Bytes up to which MPICH doubles (MPIR_CVAR_ALLREDUCE_SHORT_MSG_SIZE); it scatters longer vectors."""


class Network(NamedTuple):
    """What a network and its hosts are like.

    Attributes
    ----------
    latency : float
        Seconds that an empty message takes.
    bandwidth : float
        Bytes/s that a host sends while it receives as many.
    addition : float
        Seconds in which a host adds a byte of one vector to another.
    """

    latency: float
    bandwidth: float
    addition: float = 0.0

    def message(self, size: float) -> float:
        """Seconds that a message of `size` bytes takes."""
        return self.latency + size / self.bandwidth


def recursive_doubling(hosts: int, size: float, network: Network) -> float:
    """Seconds of an all-reduce in which a host exchanges the whole vector with one at distance 1, 2, 4 ..."""
    doublings, rest = _doublings(hosts)
    return doublings * (network.message(size) + size * network.addition) + rest * _folding(size, network)


def reduce_scatter_allgather(hosts: int, size: float, network: Network) -> float:
    """Seconds of an all-reduce in which a host exchanges half of the vector, a quarter ..., and then these sums."""
    doublings, rest = _doublings(hosts)
    share = size * (1.0 - 0.5**doublings)
    there_and_back = 2.0 * (doublings * network.latency + share / network.bandwidth)
    return there_and_back + share * network.addition + rest * _folding(size, network)


def ring(hosts: int, size: float, network: Network) -> float:
    """Seconds of an all-reduce in which each part of the vector goes round twice: as a growing sum, and as the sum."""
    share = size / hosts
    return (hosts - 1) * (2.0 * network.message(share) + share * network.addition)


def automatic(hosts: int, size: float, network: Network) -> float:
    """Seconds of an all-reduce by the algorithm that MPICH chooses."""
    chosen = recursive_doubling if size <= SHORT else reduce_scatter_allgather
    return chosen(hosts, size, network)


def hierarchical(hosts: int, members: int, size: float, inner: Network, outer: Network) -> float:
    """Seconds of an all-reduce by hosts of several members, each of which has a line of its own to other hosts.

    The members of a host scatter their sum, those of the same share in all hosts add it up, and then the members of a
    host gather the shares.
    """
    share = size / members
    scattering = (members - 1) * (inner.message(share) + share * inner.addition)
    gathering = (members - 1) * inner.message(share)
    return scattering + automatic(hosts, share, outer) + gathering


ALLREDUCE: dict[str, Callable[[int, float, Network], float]] = {
    "auto": automatic,
    "recursive_doubling": recursive_doubling,
    "reduce_scatter_allgather": reduce_scatter_allgather,
    "ring": ring,
}
"""All-reduces by name: ``(hosts, bytes, network) -> seconds``."""


def step(compute: float, update: float, allreduce: float) -> float:
    """Seconds of a training step, of which no two parts overlap."""
    return compute + allreduce + update


def _doublings(hosts: int) -> tuple[int, bool]:
    """Logarithm of the largest power of two among the hosts, and whether there are more."""
    doublings = hosts.bit_length() - 1
    return doublings, hosts != 1 << doublings


def _folding(size: float, network: Network) -> float:
    """Seconds to give a vector to another host, which adds it, and to get the sum afterwards."""
    return 2.0 * network.message(size) + size * network.addition
