"""Facts that identify the data of a run, so that it is resumed only on the same data."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import to_host
from portnn.batches import HostTable
from portnn.checkpoints import CheckpointError
from portnn.groups import ALONE, Group
from portnn.models import RowBatch
from portnn.text import Corpus

PIECE = 1 << 22


class DataFacts(NamedTuple):
    """Facts of a text or a table, in plain JSON types.

    Attributes
    ----------
    kind : str
        What the data are: "text", "table" or "data".
    name : str
    size : int
    unit : str
        What the size counts: "tokens", "words", "rows", "texts".
    sha256 : str or None
        None if no process has all of the data.
    held_out : str or None
        Digest of held-out data that were given separately.
    counts_sha256 : str or None
        Digest of how often each word of a text occurs.
    """

    kind: str
    name: str
    size: int
    unit: str
    sha256: str | None
    held_out: str | None = None
    counts_sha256: str | None = None


def check_same_data(then: dict[str, Any], now: DataFacts) -> None:
    """Refuse to continue with other data, whatever their name.

    Raises
    ------
    CheckpointError
        If they differ from those of the checkpoint.
    """
    before = DataFacts(**then)
    if before.size != now.size:
        raise CheckpointError(
            f"cannot resume: {now.name} has {now.size} {now.unit}, but the {now.kind} trained on, {before.name}, "
            f"had {before.size}"
        )
    for then_digest, digest in ((before.sha256, now.sha256), (before.counts_sha256, now.counts_sha256)):
        if then_digest != digest and None not in (then_digest, digest):
            raise CheckpointError(f"cannot resume: {now.name} is not the {now.kind} trained on, {before.name}")
    if before.held_out != now.held_out:
        raise CheckpointError("cannot resume: the held-out rows are not those of the checkpoint")


def text_facts(corpus: Corpus, group: Group = ALONE) -> DataFacts:
    """Facts of a corpus, or of the corpora that the processes of a group have."""
    digest = hashlib.sha256()
    for start in range(0, len(corpus), PIECE):
        digest.update(corpus.ids[start : start + PIECE].data)
        corpus.release()
    found = group.gather((corpus.name, len(corpus), digest.hexdigest()))
    if len(found) == 1:
        return DataFacts("text", corpus.name, len(corpus), "tokens", digest.hexdigest())
    names, sizes, digests = zip(*found, strict=True)
    name = f"{names[0]} (one of {group.size} shards)"
    return DataFacts("text", name, sum(sizes), "tokens", hashlib.sha256("".join(digests).encode()).hexdigest())


def table_facts(rows: RowBatch, held_out: RowBatch | None) -> DataFacts:
    """Facts of a table and of its held-out rows."""
    measured = None if held_out is None else _digest(held_out)
    return DataFacts("table", "the table given", int(rows.x.shape[0]), "rows", _digest(rows), measured)


def digest_of(tables: Iterable[Any], digest: Any = None) -> str:
    """SHA-256 of arrays and tables on the host, a piece at a time, after what a digest holds already."""
    digest = hashlib.sha256() if digest is None else digest
    for table in tables:
        if table is None:
            continue
        for array in table.pieces() if isinstance(table, HostTable) else (to_host(table),):
            size = max(1, PIECE // max(1, array[:1].size)) if array.ndim else 1
            for start in range(0, len(array), size):
                digest.update(np.ascontiguousarray(array[start : start + size]).data)
    return str(digest.hexdigest())


def _digest(rows: RowBatch) -> str:
    return digest_of((rows.x, rows.targets, rows.weights))
