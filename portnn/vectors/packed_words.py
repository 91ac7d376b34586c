"""A vocabulary as two arrays, as a safetensors file needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Host = np.ndarray[Any, Any]


def pack_words(words: Sequence[str]) -> tuple[Host, Host]:
    """Join words into one array of bytes.

    Parameters
    ----------
    words : sequence of str
        Lone surrogates are kept.

    Returns
    -------
    data : array (total,), uint8
        All words in UTF-8, one after the other.
    lengths : array (n,), uint32
        Bytes of each word.

    Examples
    --------
    >>> data, lengths = pack_words(["one", "zwölf"])
    >>> data.shape, lengths.tolist()
    ((9,), [3, 6])
    """
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    lengths = np.fromiter(map(len, encoded), dtype=np.uint32, count=len(encoded))
    return np.frombuffer(b"".join(encoded), dtype=np.uint8), lengths


def unpack_words(data: Host, lengths: Host) -> list[str]:
    """Split the words joined by `pack_words`.

    Raises
    ------
    ValueError
        If these are no bytes and their numbers, the lengths do not add up to the number of bytes, or the bytes are not
        UTF-8.

    Examples
    --------
    >>> unpack_words(*pack_words(["one", "zwölf"]))
    ['one', 'zwölf']
    """
    if (data.dtype.name, data.ndim, lengths.dtype.kind, lengths.ndim) != ("uint8", 1, "u", 1):
        found = f"{data.dtype} {data.shape} with lengths {lengths.dtype} {lengths.shape}"
        raise ValueError(f"the words are {found}, expected uint8 (bytes,) and uint32 (words,)")
    ends = np.cumsum(lengths, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    if total != data.size:
        raise ValueError(f"the lengths of the words add up to {total} bytes, but there are {data.size}")
    raw, starts = data.tobytes(), (ends - lengths).tolist()
    return [raw[start:end].decode("utf-8", "surrogatepass") for start, end in zip(starts, ends.tolist(), strict=True)]
