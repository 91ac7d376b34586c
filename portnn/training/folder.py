"""`RunFolder`: where a run keeps its checkpoints, its metrics and its loss curve."""

from __future__ import annotations

from pathlib import Path


class RunFolder:
    """Names of the files of a run.

    Attributes
    ----------
    path, last, best, metrics, curve : Path
        The folder, its latest checkpoint, the one with the lowest held-out loss, metrics.jsonl and loss.png.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last, self.best = path / "last.safetensors", path / "best.safetensors"
        self.metrics, self.curve = path / "metrics.jsonl", path / "loss.png"

    @property
    def holds_run(self) -> bool:
        """Whether there is a checkpoint that a new run would replace."""
        return self.last.exists() or self.best.exists()

    def prepare(self, *, anew: bool) -> None:
        """Make the folder, and remove what a killed run left half written; `anew`, all of an earlier run.

        Raises
        ------
        OSError
            If that cannot be done; the message is one line and names the folder.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            stale = [self.last, self.best, self.metrics, self.curve] if anew else []
            for file in (*stale, *self.path.glob(".*.tmp")):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise OSError(error.errno, f"cannot use the folder {self.path}: {error.strerror}") from error
