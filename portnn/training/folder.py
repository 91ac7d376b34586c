"""`RunFolder`: the files of a run, which are its checkpoints, its metrics and its loss curve."""

from __future__ import annotations

from pathlib import Path


class RunFolder:
    """Names of the files of a run.

    Parameters
    ----------
    path : Path
        A folder, or a file name that ends in ".safetensors": then the latest checkpoint has that name, and the other
        files lie beside it, with that name as a prefix.

    Attributes
    ----------
    path, folder, last, best, metrics, curve : Path
        The path given, the folder, the latest checkpoint, the one with the lowest held-out loss, metrics.jsonl and
        loss.png.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path
        self.last, prefix = path / "last.safetensors", ""
        if path.suffix == ".safetensors":
            self.folder, self.last, prefix = path.parent, path, f"{path.stem}."
        self.best = self.folder / f"{prefix}best.safetensors"
        self.metrics, self.curve = self.folder / f"{prefix}metrics.jsonl", self.folder / f"{prefix}loss.png"

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @property
    def holds_run(self) -> bool:
        """Whether there is a checkpoint that a new run would replace."""
        return self.last.exists() or self.best.exists()

    def prepare(self, *, anew: bool) -> None:
        """Make the folder and remove files that a killed run left half written; with `anew`, those of an earlier run.

        Raises
        ------
        OSError
            If that fails; the message is one line and names the folder.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            ours = (self.last, self.best, self.metrics)
            drafts = [draft for file in ours for draft in self.folder.glob(f".{file.name}.*tmp")]
            for file in (*ours, self.curve, *drafts) if anew else drafts:
                file.unlink(missing_ok=True)
        except OSError as error:
            raise OSError(error.errno, f"cannot use the folder {self.folder}: {error.strerror}") from error
