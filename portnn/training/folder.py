"""`RunFolder`: the files of a run, which are its checkpoints, its metrics and its loss curve."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from portnn.checkpoints import CheckpointError

WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP}
"""What a file system that cannot lock a file answers, as some on a network do."""


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
        self.last, self._prefix = path / "last.safetensors", ""
        if path.suffix == ".safetensors":
            self.folder, self.last, self._prefix = path.parent, path, f"{path.stem}."
        self.best, self.metrics, self.curve = map(self.beside, ("best.safetensors", "metrics.jsonl", "loss.png"))

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    def beside(self, name: str) -> Path:
        """Path of a file of the run."""
        return self.folder / f"{self._prefix}{name}"

    @property
    def holds_run(self) -> bool:
        """Whether there is a checkpoint that a new run would replace."""
        return self.last.exists() or self.best.exists()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other run out of these files, one of the same process included, until the context ends.

        The operating system holds the lock, so a process that is killed leaves none; on a file system that knows no
        locks there is none at all. Folders that were made for it and hold nothing in the end are removed.

        Raises
        ------
        ValueError
            If another run has locked them.
        OSError
            If the folder cannot be made or written to; the message is one line and names it.
        """
        # Named after the checkpoint, since a folder and a file in it can be the same run.
        lock = FileLock(self.folder / f".{self.last.stem}.lock")
        made: list[Path] = []
        try:
            made += [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            raise ValueError(f"another run is using {self.path}: wait until it has ended, or name another") from None
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise self._unusable(error) from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # before the release: afterwards it may be another run's
                Path(lock.lock_file).unlink()
            lock.release()
            with contextlib.suppress(OSError):
                for folder in made:
                    folder.rmdir()

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
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> OSError:
        return OSError(error.errno, f"cannot use the folder {self.folder}: {error.strerror}")


def checkpoint_at(path: str | os.PathLike[str]) -> Path:
    """The checkpoint that a path stands for: the file itself, or of a run's folder the best checkpoint, else the last.

    Raises
    ------
    CheckpointError
        If it is a folder that has neither.
    """
    path = Path(path)
    if not path.is_dir():
        return path
    run = RunFolder(path)
    for file in (run.best, run.last):
        if file.exists():
            return file
    raise CheckpointError(f"{path} is a folder without a checkpoint: neither {run.best.name} nor {run.last.name}")
