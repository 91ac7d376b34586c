"""What is piped into the process: `cat book.txt | portnn char-rnn train -`."""

from __future__ import annotations

import sys

STDIN = "-"
"""The path that stands for standard input."""

END_KEY = "Ctrl-Z and Enter" if sys.platform == "win32" else "Ctrl-D"
"""What ends input that is typed."""


def read_standard_input() -> bytes:
    """Everything that is piped or typed into the process, which can be read only once.

    Raises
    ------
    OSError
        If there is no standard input, as in a process without a console, or none that holds bytes.
    """
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise OSError("this process has no standard input to read")
    if stream.isatty():
        print(f"reading what you type; {END_KEY} at the beginning of a line ends it", file=sys.stderr)
    content: bytes = stream.read()
    return content
