"""Fixtures: a text in a file, a separate cache folder, and a record of the encoded streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from portnn.text import Vocabulary


@pytest.fixture
def text() -> str:
    return "the cat, the hat\n我来到北京清华大学 the\U0001f600é cat\n" * 3


@pytest.fixture
def book(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "book.txt"
    path.write_bytes(text.encode())
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache folder named in the environment, so that the user's own stays out of reach."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PORTNN_CACHE", str(folder))
    return folder


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the streams encoded so far."""
    streams: list[str] = []
    plain = Vocabulary.encode_stream

    def watched(self: Vocabulary, chunks: Iterable[str], *, noun: str = "text") -> Iterator[Any]:
        streams.append(noun)
        return plain(self, chunks, noun=noun)

    monkeypatch.setattr(Vocabulary, "encode_stream", watched)
    return streams
