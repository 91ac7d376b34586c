"""Sums over the processes of a group: in the host's memory, or on the GPUs where the summands are."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, backend, to_host
from portnn.backends.choosing import one_line
from portnn.groups import Group, Place, from_first, way_of

Add = Callable[[Array], object]
"""Replaces a vector (n,) of a GPU by the sum of all processes' vectors."""


class Summand(NamedTuple):
    """An array, which `factor` times, if there is one, is this process's part of a sum."""

    array: Array
    factor: Array | None = None


class HostSums:
    """Sums of arrays of any library, in the host's memory.

    Attributes
    ----------
    group : Group
    home : Backend
        NumPy, to which the sums belong.
    """

    def __init__(self, group: Group, of: Backend) -> None:
        self.group, self.home, self._of = group, backend("numpy", dtype=of.dtype), of

    def at_home(self, array: Array) -> Array:
        """An array as one of `home`."""
        return to_host(array)

    def total(self, summands: Sequence[Summand], stop: bool) -> tuple[Array, bool]:
        """Sum of each array, one after the other in a vector (n,) until the next call; whether any says stop."""
        entries = sum(math.prod(summand.array.shape) for summand in summands)
        vector, start = self.group.empty(entries + 1, self._of.dtype), 0
        for summand in summands:
            array = to_host(summand.array)
            place = vector[start : start + array.size].reshape(array.shape)
            start += array.size
            if summand.factor is None:
                place[...] = array
            else:  # one pass over memory
                np.multiply(array, summand.factor, out=place)
        vector[-1] = stop
        self.group.sum_in_place(vector)
        return vector[:-1], bool(vector[-1])

    def sum(self, array: Array) -> Array:
        """Sum of one array, where that is."""
        total = np.array(to_host(array), order="C")
        self.group.sum_in_place(total.reshape(-1))
        return self._of.asarray(total)


class DeviceSums:
    """Sums of arrays on GPUs, where they stay.

    Attributes
    ----------
    group : Group
    home : Backend
        To which summands and sums belong.
    """

    def __init__(self, group: Group, of: Backend, add: Add) -> None:
        self.group, self.home, self._add = group, of, add

    def at_home(self, array: Array) -> Array:
        """The array."""
        return array

    def total(self, summands: Sequence[Summand], stop: bool) -> tuple[Array, bool]:
        """Sum of each array, one after the other in a vector (n,); whether any says stop."""
        # What the host knows is added up on the host; and so a process that does not come is found out by the others,
        # who would otherwise wait on their GPUs for ever.
        stops = np.asarray([stop], np.float64)
        self.group.sum_in_place(stops)
        xp = self.home.xp
        pieces = (array if factor is None else array * factor for array, factor in summands)
        vector = xp.concat([xp.reshape(piece, (-1,)) for piece in pieces])
        self._add(vector)
        return vector, bool(stops[0])

    def sum(self, array: Array) -> Array:
        """Sum of one array."""
        xp = self.home.xp
        total = xp.asarray(xp.reshape(array, (-1,)), copy=True)
        self._add(total)
        return xp.reshape(total, array.shape)


Sums = HostSums | DeviceSums


def sums_of(group: Group, of: Backend) -> Sums:
    """How arrays of a backend are added up over a group; its processes call this together.

    Raises
    ------
    RuntimeError
        If NCCL cannot join their GPUs.
    """
    library, gpu = of.library, of.library.gpu(of.device)
    nccl = gpu is not None and library.has_nccl()
    places = tuple(group.gather(Place(platform.node(), gpu, nccl)))
    way = way_of(places)
    if way == "host":
        return HostSums(group, of)
    if way == "pinned":
        return DeviceSums(group, of, lambda vector: library.change_on_host(vector, group.sum_in_place))
    return DeviceSums(group, of, _joined(group, of, places))


_JOINED: dict[Any, Add] = {}
"""What NCCL has joined in this process: that takes a second, and memory of the GPU that PyTorch never gives back."""


def _joined(group: Group, of: Backend, places: tuple[Place, ...]) -> Add:
    key = of.name, group.rank, places  # known in all processes, or in none
    if key not in _JOINED:
        nccl_id = from_first(group, of.library.nccl_id)
        try:
            _JOINED[key] = of.library.nccl_sum(nccl_id, group.rank, group.size, of.device)
        except Exception as error:  # each library has its own
            message = f"NCCL cannot join the GPUs ({one_line(error)}); NCCL_DEBUG=WARN makes it say why"
            raise RuntimeError(message) from error
    return _JOINED[key]
