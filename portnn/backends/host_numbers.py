"""Data on the host as portnn computes with them: real numbers, in the machine's own byte order."""

from __future__ import annotations

import decimal
import numbers
from typing import Any

import numpy as np

from portnn.backends.libraries import array_library
from portnn.backends.libraries.primitives import Array

Host = np.ndarray[Any, Any]


def to_host(array: Array) -> Host:
    """Copy an array of any library to the host, dtype unchanged; a NumPy array is returned as it is."""
    library = array_library(array)
    return np.asarray(array) if library is None else library.to_host(array)


def on_host(name: str, values: Any) -> Host:
    """Data of any kind as a NumPy array: arrays of any library, lists of them, or whatever NumPy takes.

    Raises
    ------
    ValueError
        If entries are masked; `name` is what the data are called in the message.
    """
    if np.ma.is_masked(values):
        raise ValueError(f"{name} has masked entries, from which nothing can be learned; fill or drop them")
    if isinstance(values, list | tuple):
        values = [value if array_library(value) is None else to_host(value) for value in values]
    return to_host(values)


def native(array: Host) -> Host:
    """Same values in a dtype that every library takes.

    Files of astronomers hold big-endian numbers, which no library but NumPy knows, and nor does any know NumPy's
    longdouble: it becomes float64. The dtypes that others have added to NumPy, such as bfloat16, become float32.
    """
    dtype = array.dtype
    if dtype.isbuiltin == 1 and dtype.itemsize <= 8:
        return array
    if dtype.isbuiltin == 2:
        return array.astype(np.float32)
    if dtype.kind == "f" and dtype.itemsize > 8:
        return array.astype(np.float64)
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def real_numbers(name: str, values: Any) -> Host:
    """Data of any kind as an array of real numbers on the host: booleans, integers or floats of a native dtype.

    Parameters
    ----------
    name : str
        What the data are called in messages.
    values : array_like
        Arrays of any library, Python's and NumPy's numbers, `Fraction` and `Decimal` among them.

    Raises
    ------
    TypeError
        If they are anything else: text, dates, time spans, complex numbers, records, other objects.
    ValueError
        If entries are masked.
    """
    given = on_host(name, values)
    array = native(given)
    if array.dtype.kind == "O":
        others = (value for value in array.flat if not isinstance(value, numbers.Real | decimal.Decimal))
        for other in others:
            raise TypeError(f"{name} has dtype object and holds a {type(other).__name__}, expected real numbers")
        return array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {given.dtype}, expected real numbers")
    return array
