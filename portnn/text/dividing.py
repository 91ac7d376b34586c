"""Dividing a corpus among processes: pieces of one text for each, or, if it is dealt out, whole files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from portnn.groups import ALONE, Group
from portnn.text.compression import compression
from portnn.text.encodings import CHUNK_BYTES, canonical_encoding
from portnn.text.signatures import LENGTH
from portnn.text.sources import Source, open_sources
from portnn.text.tokenizers import Chunk

WHOLE = ("utf-16", "utf-32", "utf-7", "iso2022", "hz", "idna", "punycode", "unicode_escape", "raw_unicode_escape")
"""Encodings in which a byte that looks like a space or the end of a line may be part of another character."""


def piece_of(sources: Sequence[Source], rank: int, size: int, encoding: str) -> list[Source]:
    """One of `size` pieces of a corpus, about as large as the others, cut where a line ends.

    Parameters
    ----------
    sources : sequence of Source
    rank, size : int
        Number of the piece, from 0, and how many there are.
    encoding : str
        Of files. A file that is compressed, or in an encoding such as UTF-16, is not cut.

    Returns
    -------
    list of Source
        Possibly empty. The pieces of all ranks, one after another, are the whole.
    """
    begins = [0, *accumulate(source.size for source in sources)]
    first, last = (begins[-1] * cut // size for cut in (rank, rank + 1))
    pieces = []
    for source, (begin, end) in zip(sources, pairwise(begins), strict=True):
        if begin >= last or end <= first:
            continue
        if not _can_be_cut(source, encoding):
            if begin >= first:
                pieces.append(source)
            continue
        start, stop = (_cut(source, max(0, place - begin)) for place in (first, last))
        if start < stop:
            pieces.append(replace(source, span=(start, stop)))
    return pieces


def files_of(source: Any, group: Group) -> Any:
    """The files that are a process's own, of a corpus that is dealt out.

    Processes that find the same files, as on one machine or a shared disk, deal them out in turn. A process that finds
    others, on a disk of its own machine, has those.

    Parameters
    ----------
    source : path, sequence of paths, or anything else
        What is not made of files is the process's own already.
    group : Group

    Returns
    -------
    list of Path, or the source

    Raises
    ------
    ValueError
        In every process, if one would have no file; or if this process trains alone.
    """
    if group is ALONE:
        raise ValueError('sharded deals files out to the processes of an MPI job: start one, and let workers be "mpi"')
    of_paths = isinstance(source, list | tuple) and source and isinstance(source[0], os.PathLike)
    stamps = [found.stamp for found in open_sources(source)] if of_paths or isinstance(source, os.PathLike) else None
    all_stamps = group.gather(stamps)
    sharing = [[rank for rank, others in enumerate(all_stamps) if others == found] for found in all_stamps]
    for rank, (found, ranks) in enumerate(zip(all_stamps, sharing, strict=True)):
        if found is not None and ranks.index(rank) >= len(found):
            raise ValueError(
                f"{len(ranks)} processes find the same {len(found)} file{'s' * (len(found) > 1)} to deal out among "
                f"them, so rank {rank} would have none; start fewer processes, or split the text into more files"
            )
    if stamps is None:
        return source
    ranks = sharing[group.rank]
    own = stamps[ranks.index(group.rank) :: len(ranks)]
    if None in own:
        raise ValueError("a text that is dealt out must lie in files; standard input goes to the first process alone")
    return [Path(stamp[0]) for stamp in own if stamp is not None]


def _can_be_cut(source: Source, encoding: str) -> bool:
    if isinstance(source.held, str):
        return True
    if canonical_encoding(encoding).replace("-", "_").startswith(tuple(name.replace("-", "_") for name in WHOLE)):
        return False
    return compression(source.name, next(_read(source, 0, LENGTH), b"")) is None  # type: ignore[arg-type]


def _cut(source: Source, place: int) -> int:
    """Where the first line from a place on begins; in an endless line, the first word."""
    if place == 0 or place >= source.size:
        return min(place, source.size)
    seen = next(_read(source, place - 1, place - 1 + CHUNK_BYTES), b"")
    for end in ("\n", " ") if len(seen) == CHUNK_BYTES else ("\n",):
        found = seen.find(end if isinstance(seen, str) else end.encode())  # type: ignore[arg-type]
        if found >= 0:
            return place + found
    return source.size


def _read(source: Source, start: int, stop: int) -> Iterator[Chunk]:
    """Bytes, or characters, of a source from one place to another, before decoding."""
    if source.held is not None:
        yield source.held[start:stop]
        return
    with open(source.name, "rb") as file:
        file.seek(start)
        yield file.read(stop - start)
