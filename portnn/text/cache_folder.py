"""The folder of encoded corpora: where it is, how much it holds, and what is removed from it, by age and by size."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import platformdirs

from portnn.settings import brief

KEPT_DAYS = 90
"""Entries that have not been used for longer are removed."""

KEPT_BYTES = 10 << 30
"""Entries that have not been used for longest are removed while all together are larger. PORTNN_CACHE_SIZE, in bytes or
such as 500M or 20G, is another limit."""

ABANDONED_SECONDS = 24 * 3600
"""No run takes longer to write a file, so that an unfinished one of this age is what a killed process left behind."""

IN_USE_SECONDS = 3600
"""An entry that was used this recently is never removed: a process may be about to open it."""

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def cache_folder(cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """Folder of encoded corpora: the argument, else PORTNN_CACHE from the environment, else the user's cache folder."""
    if cache_dir is not None:
        return Path(cache_dir)
    if folder := os.environ.get("PORTNN_CACHE"):
        return Path(folder)
    return Path(platformdirs.user_cache_dir("portnn"))


@contextmanager
def naming_cache_folder(folder: Path) -> Iterator[None]:
    """Make errors of writing to a cache folder name it and say how to choose another."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f'cannot write to the cache folder "{folder}" ({error.strerror or error}); '
            "set the environment variable PORTNN_CACHE to another folder"
        ) from error


def cache_limit() -> int:
    """Most bytes that the folder holds for long.

    Raises
    ------
    ValueError
        If PORTNN_CACHE_SIZE is no size.
    """
    written = os.environ.get("PORTNN_CACHE_SIZE", "").strip()
    if not written:
        return KEPT_BYTES
    number, unit = (written[:-1], written[-1].upper()) if written[-1].isalpha() else (written, "")
    if unit not in _UNITS or not number.isdecimal():
        raise ValueError(f"PORTNN_CACHE_SIZE is {brief(written)}; expected bytes, or a size such as 500M or 20G")
    return int(number) * _UNITS[unit]


class CacheUse(NamedTuple):
    """What a cache folder holds."""

    folder: Path
    corpora: int
    bytes: int


def cache_use(folder: Path | None = None) -> CacheUse:
    """How much a cache folder holds, by default the user's."""
    folder = cache_folder() if folder is None else folder
    entries = _entries(folder)
    return CacheUse(folder, len(entries), sum(entry.bytes for entry in entries) + sum(map(_size, _unfinished(folder))))


def clear_cache(folder: Path | None = None) -> CacheUse:
    """Remove all encoded corpora from a cache folder, and nothing else; what was removed.

    A process that has mapped one keeps it until it ends. Where the system refuses to remove a mapped file, as Windows
    does, it stays.
    """
    before = cache_use(folder)
    for entry in _entries(before.folder):
        if entry.facts.exists() or entry.age > ABANDONED_SECONDS:  # otherwise it is just being written
            entry.remove()
    for path in _unfinished(before.folder):
        if _age(path) > ABANDONED_SECONDS:
            _unlink(path)
    after = cache_use(before.folder)
    return CacheUse(before.folder, before.corpora - after.corpora, before.bytes - after.bytes)


def sweep(folder: Path, limit: int | None = None) -> None:
    """Remove what is too old, and what has not been used for longest while there is too much."""
    for path in _unfinished(folder):
        if _age(path) > ABANDONED_SECONDS:
            _unlink(path)
    limit = cache_limit() if limit is None else limit
    entries = sorted(_entries(folder), key=lambda entry: entry.age)
    held = 0
    for entry in entries:
        held += entry.bytes
        if entry.age > IN_USE_SECONDS and (held > limit or entry.age > KEPT_DAYS * 24 * 3600):
            entry.remove()
            held -= entry.bytes


def touch(path: Path) -> None:
    """Note that an entry has just been used."""
    with suppress(OSError):  # of a folder that may only be read
        os.utime(path)


class _Entry(NamedTuple):
    ids: Path
    facts: Path
    bytes: int
    age: float

    def remove(self) -> None:
        # The ids first: where a mapped file cannot be removed, the entry stays whole.
        _unlink(self.ids)
        if not self.ids.exists():
            _unlink(self.facts)


def _entries(folder: Path) -> list[_Entry]:
    """Entries, complete or not, by the names of their files; the later use of the two counts."""
    stems = {path.with_suffix("") for pattern in ("corpus-*.npy", "corpus-*.json") for path in folder.glob(pattern)}
    found = []
    for stem in sorted(stems):
        ids, facts = (stem.with_name(stem.name + suffix) for suffix in (".npy", ".json"))
        found.append(_Entry(ids, facts, _size(ids) + _size(facts), min(_age(ids), _age(facts))))
    return found


def _unfinished(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _age(path: Path) -> float:
    with suppress(OSError):
        return time.time() - path.stat().st_mtime
    return float("inf")


def _unlink(path: Path) -> None:
    with suppress(OSError):  # another process was faster, or uses it where that is a hindrance
        path.unlink()
