"""A folder of classes, such as pos/*.txt and neg/*.txt: each file is a text, the name of its subfolder the label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from portnn.settings import brief
from portnn.tables.content import Advance, Content
from portnn.tables.labelled_texts.file import LabelledFile, Options, Row
from portnn.text.encodings import canonical_encoding


class ClassFolder(LabelledFile):
    """A folder with a subfolder for each class, whose files are read in the order of their names."""

    columns = None

    def __init__(self, folder: Path, options: Options) -> None:
        self.name = str(folder)
        if options.wanted.text is not None or options.wanted.label is not None:
            raise ValueError(f"{self.name} is a folder of classes, which has no columns for --text and --label")
        self._encoding = canonical_encoding(options.encoding)
        classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        if not classes:
            raise ValueError(
                f"{self.name} is a folder without subfolders; expected one for each class, such as pos/*.txt, neg/*.txt"
            )
        self._files = [(path, each.name) for each in classes for path in self._files_of(each)]
        self.size = sum(path.stat().st_size for path, _ in self._files)

    def rows(self, advance: Advance | None = None) -> Iterator[Row]:
        """Files, each with its number."""
        for number, (path, label) in enumerate(self._files):
            content = Content.of(path)
            encoding = content.encoding(self._encoding)
            with content.text(encoding, advance) as file:
                text = file.read()
            content.check_text([text], encoding)
            yield Row(number, text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n"), label)

    def place(self, position: int) -> str:
        """Path of a file."""
        return str(self._files[position][0])

    @staticmethod
    def _files_of(folder: Path) -> list[Path]:
        names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        visible = [name for name in names if not any(part.startswith(".") for part in name.parts)]
        if not visible:
            raise ValueError(f"{folder} has no files; expected the texts of class {brief(folder.name)}")
        return [folder / name for name in sorted(visible, key=lambda name: name.parts)]
