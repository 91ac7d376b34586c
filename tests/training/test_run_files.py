"""The files of a run: its folder and metrics.jsonl."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from portnn.training import Metrics, MetricsFile, RunFolder, read_metrics

pytestmark = pytest.mark.host


def line(step: int) -> Metrics:
    return Metrics(
        step=step,
        loss=1.0 / step,
        held_out_loss=None,
        learning_rate=0.1,
        gradient_norm=2.0,
        characters_per_second=1e5,
        seconds=0.5,
    )


def test_lines_are_appended_and_read_back(tmp_path) -> None:
    path = tmp_path / "metrics.jsonl"
    file = MetricsFile(path)
    for step in (1, 2, 3):
        file.add(line(step))
    assert read_metrics(path) == [line(1), line(2), line(3)]
    assert json.loads(path.read_text().splitlines()[0]) == line(1)


def test_resume_drops_the_lines_past_the_checkpoint(tmp_path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(json.dumps(line(step)) + "\n" for step in (1, 2, 3)) + '{"step": 4, "lo')
    MetricsFile(path, steps_done=2).add(line(3))
    assert [each["step"] for each in read_metrics(path)] == [1, 2, 3]
    MetricsFile(path)
    assert path.read_text() == ""


@pytest.mark.parametrize("damage", ['{"step": 4, "lo', "[1, 2]", '{"loss": 3}', "\0\0\0", "7"])
def test_a_line_that_is_none_ends_the_file(tmp_path, damage) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps(line(1)) + "\n" + damage)
    assert read_metrics(path) == [line(1)]
    assert read_metrics(tmp_path / "nothing") == []


def test_a_full_disk_is_one_line(tmp_path, monkeypatch) -> None:
    file = MetricsFile(tmp_path / "metrics.jsonl")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match=r"cannot write .*metrics\.jsonl: No space left on device"):
        file.add(line(1))
    monkeypatch.undo()
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match=r"cannot write .*metrics\.jsonl: No space left on device"):
        MetricsFile(tmp_path / "metrics.jsonl")


def test_a_new_run_sweeps_the_folder_and_a_resumed_one_only_what_was_half_written(tmp_path) -> None:
    folder = RunFolder(tmp_path / "deep" / "run")
    folder.prepare(anew=False)
    assert not folder.holds_run
    mine = (folder.last, folder.best, folder.metrics, folder.curve)
    draft, other = folder.path / ".last.safetensors.123.tmp", folder.path / "notes.txt"
    for file in (*mine, draft, other):
        file.touch()
    assert folder.holds_run
    folder.prepare(anew=False)
    assert all(file.exists() for file in (*mine, other))
    assert not draft.exists()
    folder.prepare(anew=True)
    assert list(folder.path.iterdir()) == [other]


def test_a_file_in_the_place_of_the_folder(tmp_path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(OSError, match=r"cannot use the folder .*taken: File exists"):
        RunFolder(tmp_path / "taken").prepare(anew=True)
