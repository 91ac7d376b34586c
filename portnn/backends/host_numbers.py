"""Numbers of the host as portnn computes with them: real ones, in the machine's own byte order."""

from __future__ import annotations

import decimal
import numbers
from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]


def native(array: Host) -> Host:
    """Same values in a dtype that every library takes.

    Files of astronomers hold big-endian numbers, which no library but NumPy knows, and nor does any know NumPy's
    longdouble: it becomes float64.
    """
    dtype = array.dtype.newbyteorder("=")
    if dtype.kind == "f" and dtype.itemsize > 8:
        dtype = np.dtype(np.float64)
    return array if dtype == array.dtype and array.dtype.isnative else array.astype(dtype)


def real_numbers(name: str, values: Any) -> Host:
    """Host data as an array of real numbers: booleans, integers or floats of a native dtype.

    Parameters
    ----------
    name : str
        What the data are called in messages.
    values : array_like
        Python's and NumPy's numbers, `Fraction` and `Decimal` among them.

    Raises
    ------
    TypeError
        If they are anything else: text, dates, time spans, complex numbers, records, other objects.
    """
    array = np.asarray(values)
    if array.dtype.kind == "O":
        others = (value for value in array.flat if not isinstance(value, numbers.Real | decimal.Decimal))
        for other in others:
            raise TypeError(f"{name} has dtype object and holds a {type(other).__name__}, expected real numbers")
        return array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}, expected real numbers")
    return native(array)
