"""The command line: one command group per file."""

from __future__ import annotations


def main() -> None:
    """Run the `portnn` command. The process is tuned before anything imports NumPy."""
    from portnn.process import tune_process

    try:
        tune_process()
        from portnn.cli.app import run
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    run()
