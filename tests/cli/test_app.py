"""The command as a whole: help, `info`, `gradcheck`, and how it is as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer

import portnn as library
from portnn.backends.libraries import LIBRARIES
from portnn.checking import GradientError, cases
from portnn.cli import info as info_module
from portnn.cli.app import app, message
from portnn.text import read_corpus

pytestmark = pytest.mark.host

GROUPS = {
    "char-rnn": ("train", "sample", "evaluate"),
    "mlp": ("train", "predict", "evaluate"),
    "text-classifier": ("train", "predict", "evaluate"),
    "word2vec": ("train", "similar", "analogy", "evaluate", "export", "plot"),
}
COMMANDS = [
    (name, *inner)
    for name, command in typer.main.get_command(app).commands.items()
    for inner in ([(inner,) for inner in command.commands] if hasattr(command, "commands") else [()])
    if name != "demo"  # it prints what a study prints
]


def test_the_commands_are_all_there() -> None:
    assert set(COMMANDS) >= {("info",), ("gradcheck",), *((group, name) for group in GROUPS for name in GROUPS[group])}


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example(portnn, command) -> None:
    result = portnn(*command, "--help")
    assert result.status == 0
    assert f"Example: portnn {' '.join(command)}" in result.out
    assert "--json" in result.out
    assert result.err == ""
    assert "\x1b" not in result.out


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ((), ("info", "gradcheck", *GROUPS)),
        *(((group,), names) for group, names in GROUPS.items()),
    ],
)
def test_groups_show_their_commands(portnn, group, names) -> None:
    result = portnn(*group, "--help")
    assert result.status == 0
    assert all(f"  {name} " in result.out for name in names)
    assert portnn(*group).status == 2


def test_version(portnn) -> None:
    assert portnn("--version") == (0, f"portnn {library.__version__}\n", "")


@pytest.mark.parametrize("arguments", [("bake",), ("--what",), ("char-rnn", "bake"), ("char-rnn", "evaluate")])
def test_wrong_usage(portnn, arguments) -> None:
    result = portnn(*arguments)
    assert result.status == 2
    assert "Usage: portnn" in result.err
    assert result.out == ""


def test_info(portnn) -> None:
    result = portnn("info")
    assert result.status == 0
    assert f"portnn {library.__version__}" in result.out
    for name, known in LIBRARIES.items():
        (line,) = (line for line in result.out.splitlines() if line.startswith(f"  {name} "))
        assert all(vendor in line for vendor in known.gpus)
    found = json.loads(portnn("info", "--json").out)
    assert {each["name"]: each["available"] for each in found["backends"]}["numpy"]
    assert found["cpus"] >= 1
    assert found["blas"][0]["num_threads"] >= 1


def test_hints() -> None:
    tuned = {"keeps_freed_memory": True, "blas_kernels_overridden": None, "note": ""}
    assert info_module.hints([{"num_threads": 2}], tuned, 2) == []
    assert "uses 1 of 2 CPUs" in info_module.hints([{"num_threads": 1}], tuned, 2)[0]
    assert "uses 4 threads on 2 CPUs" in info_module.hints([{"num_threads": 4}], tuned, 2)[0]
    if sys.platform == "linux":
        assert "keep_freed_memory" in info_module.hints([], {**tuned, "keeps_freed_memory": False}, 2)[0]


@pytest.fixture
def few_cases(monkeypatch):
    """The first two cases of the gradient check, which has its own tests."""
    first = list(cases())[:2]
    monkeypatch.setattr("portnn.cli.gradcheck.cases", lambda: first)
    return first


def test_gradcheck(portnn, few_cases) -> None:
    result = portnn("gradcheck", "--backend", "numpy")
    assert result.status == 0
    assert result.out.splitlines()[-1] == "2 cases on 1 backend(s), 0 failed"
    assert all(case.name in result.out for case in few_cases)
    found = json.loads(portnn("gradcheck", "--backend", "numpy", "--json").out)
    assert found["passed"]
    assert [row["case"] for row in found["cases"]] == [case.name for case in few_cases]
    assert all(row["errors"]["numpy"] < 1e-5 for row in found["cases"])


@pytest.mark.torch_oracle
def test_gradcheck_counts_kernels(portnn) -> None:
    result = portnn("gradcheck", "--kernels")
    assert result.status == 0
    heading, *rows = result.out.splitlines()
    assert heading.split() == ["training", "evaluation", "sampling"]
    found = json.loads(portnn("gradcheck", "--kernels", "--json").out)
    assert [row.split("  ")[0] for row in rows] == list(found)
    for row, steps in zip(rows, found.values(), strict=True):
        totals = [sum(steps[name].values()) for name in ("training", "evaluation", "sampling") if name in steps]
        assert row.split()[-len(totals) :] == list(map(str, totals))


def test_gradcheck_that_fails(portnn, few_cases, monkeypatch) -> None:
    def wrong(*_, **__):
        raise GradientError("dx is off by 3")

    monkeypatch.setattr("portnn.cli.gradcheck.check_gradients", wrong)
    result = portnn("gradcheck", "--backend", "numpy")
    assert result.status == 1
    assert "FAILED" in result.out
    assert f"{few_cases[0].name}: dx is off by 3" in result.out
    assert json.loads(portnn("gradcheck", "--backend", "numpy", "--json").out)["passed"] is False
    assert portnn("gradcheck", "--backend", "tensorflow").message.startswith("unknown backend 'tensorflow'")


def test_the_environment_names_a_backend_for_the_command_line_only(portnn, tmp_path, monkeypatch) -> None:
    path = tmp_path / "model.safetensors"
    library.CharRNN(hidden_size=2).fit(
        "to be or not to be " * 4, steps=1, batch_size=1, seq_length=5, held_out=0, progress=False
    ).save(path)
    call = portnn  # sets the variable aside, so it comes first
    monkeypatch.setenv("PORTNN_BACKEND", "tensorflow")
    assert "unknown backend 'tensorflow'" in call("char-rnn", "sample", path).message
    assert call("char-rnn", "sample", path, "--backend", "numpy").status == 0
    assert library.CharRNN().backend.name == "numpy"
    assert library.load(path).backend.name == "numpy"


def test_errors_in_one_line() -> None:
    assert message(ValueError("a\n  b")) == "a b"
    assert message(ValueError()) == "ValueError"
    assert message(np.exceptions.AxisError("x")) == "x"


ROOT = Path(__file__).resolve().parents[2]
MAIN = (sys.executable, "-c", "from portnn.cli import main; main()")


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "PORTNN_TUNE": "0", **more}


def test_what_is_read_no_further_is_no_error(tmp_path) -> None:
    """Piped to `head`: no traceback, whoever has gone."""
    path = tmp_path / "model.safetensors"
    library.CharRNN(hidden_size=2).fit(
        "to be or not to be " * 4, steps=1, batch_size=1, seq_length=5, held_out=0, progress=False
    ).save(path)
    command = (*MAIN, "char-rnn", "sample", str(path), "--length", "100000")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(5)
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_bar_on_a_terminal_and_an_interrupt(tmp_path) -> None:
    """As a person sees it: a bar without colour, Ctrl-C, one line and status 130; nothing of it on stdout."""
    import pty
    import termios

    (tmp_path / "book.txt").write_text("to be or not to be, that is the question;\n" * 30)
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    command = (
        *MAIN,
        "char-rnn",
        "train",
        "book.txt",
        "--steps",
        "100000",
        "--hidden-size",
        "4",
        "--batch-size",
        "2",
        "--seq-length",
        "9",
        "--sample-every",
        "0",
        "--evaluate-every",
        "100",
        "--out",
        "run",
    )
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=slave, stdout=subprocess.PIPE, stderr=slave, env=environment(NO_COLOR="1")
    ) as process:
        os.close(slave)
        seen = b""
        while b"/100000 [" not in seen or b"step 100:" not in seen:
            seen += os.read(master, 4096)
        process.send_signal(2)
        try:
            while chunk := os.read(master, 4096):
                seen += chunk
        except OSError:  # the terminal has closed
            pass
        assert process.wait(60) == 130
        assert process.stdout is not None
        assert process.stdout.read() == b""
    os.close(master)
    assert b"stopped by SIGINT after step" in seen.splitlines()[-1]
    assert b"\x1b[3" not in seen
    assert b"Traceback" not in seen
    assert (tmp_path / "run" / "last.safetensors").exists()


def test_info_says_what_the_cache_holds_and_clears_it(portnn, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PORTNN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "text").write_text("ab" * 5000)
    assert f"cache    {tmp_path / 'cache'}: 0 encoded corpora, 0 bytes, at most 10.0 GiB" in portnn("info").out
    read_corpus(tmp_path / "text", memory_limit=0)
    assert "1 encoded corpus, 10.0 KiB, at most" in portnn("info").out
    assert "portnn info --clear-cache removes them" in portnn("info").out
    found = json.loads(portnn("info", "--json").out)["cache"]
    assert (found["folder"], found["corpora"], found["limit"]) == (str(tmp_path / "cache"), 1, 10 << 30)
    result = portnn("info", "--clear-cache")
    assert (result.status, result.out) == (0, f"removed  1 encoded corpus, 10.0 KiB from {tmp_path / 'cache'}\n")
    assert json.loads(portnn("info", "--clear-cache", "--json").out)["removed"]["corpora"] == 0
    monkeypatch.setenv("PORTNN_CACHE_SIZE", "much")
    assert portnn("info").message.startswith("PORTNN_CACHE_SIZE is 'much'; expected bytes")
