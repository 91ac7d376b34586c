"""Two runs never write to the same files: the second is refused, and a run that was killed is in nobody's way."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import portnn
from portnn.cli.app import run as command_line
from portnn.training import Interrupted, RunFolder

pytestmark = pytest.mark.host

TEXT = "to be or not to be, that is the question; " * 6
LOCKED = r"^another run is using {}: wait until it has ended, or name another$"


def fit(folder, **options):
    settings = {"steps": 4, "batch_size": 2, "seq_length": 9, "progress": False, "out": folder}
    return portnn.CharRNN(hidden_size=4).fit(TEXT, **{**settings, **options})


def refused(folder):
    return pytest.raises(ValueError, match=LOCKED.format(folder))


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


PROGRAM = f"""
import sys, time
import portnn
from pathlib import Path

def wait(event):
    print("training", flush=True)
    time.sleep(60)

portnn.CharRNN(hidden_size=4).fit(
    {TEXT!r}, steps=4, batch_size=2, seq_length=9, progress=False, out=Path(sys.argv[1]), callbacks=[wait]
)
"""


@contextlib.contextmanager
def another_process(folder):
    """A process in the middle of a run."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, folder], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            assert process.stdout.readline() == "training\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("name", ["run", "run/model.safetensors"])
def test_a_folder_that_another_process_trains_in_is_refused_and_free_again_once_it_is_killed(tmp_path, name):
    folder = tmp_path / name
    with another_process(folder) as process:
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with refused(folder):
                fit(folder, **options)
        fit(tmp_path / "run" / "other.safetensors")  # another name in the folder is another run
        fit(tmp_path / "other")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert RunFolder(folder).holds_run is False
    fit(folder)
    assert hidden(tmp_path / "run") == []


def test_a_folder_and_its_checkpoint_by_name_are_one_run(tmp_path):
    with RunFolder(tmp_path).locked(), refused(tmp_path / "last.safetensors"):
        fit(tmp_path / "last.safetensors")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with RunFolder(tmp_path / "real").locked(), refused(tmp_path / "link"):
        fit(tmp_path / "link")


def test_it_is_refused_before_anything_is_read_or_drawn(tmp_path):
    model = portnn.CharRNN(hidden_size=4)
    with RunFolder(tmp_path).locked():
        (tmp_path / "last.safetensors").write_text("not read")
        for options in ({}, {"resume": True}, {"overwrite": True}):
            with refused(tmp_path):
                model.fit(Path("no such file"), steps=4, progress=False, out=tmp_path, **options)
    assert (tmp_path / "last.safetensors").read_text() == "not read"
    assert model.params is None


def test_a_run_within_a_run_of_the_same_folder_is_refused(tmp_path):
    def again(event):
        with refused(tmp_path):
            fit(tmp_path, overwrite=True)

    assert fit(tmp_path, callbacks=[again]).history.step == 4


def test_a_run_in_another_thread_is_refused(tmp_path):
    inside, done = threading.Event(), threading.Event()

    def hold(event):
        inside.set()
        assert done.wait(60)

    thread = threading.Thread(target=fit, args=(tmp_path,), kwargs={"callbacks": [hold], "steps": 1})
    thread.start()
    assert inside.wait(60)
    for _ in range(2):
        with refused(tmp_path):
            fit(tmp_path)
    done.set()
    thread.join()
    fit(tmp_path, resume=True, steps=6)
    assert hidden(tmp_path) == []


class Planted(Exception):
    pass


@pytest.mark.parametrize("end", ["error", "interrupt", "divergence", "refused"])
def test_however_a_run_ends_the_next_can_begin(tmp_path, end):
    folder = tmp_path / "deep" / "run"

    def strike(event):
        if end == "error":
            raise Planted
        if end == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        return {name: array * float("nan") for name, array in event.params.items()} if end == "divergence" else None

    wrong = {"batch_size": 10**6} if end == "refused" else {}
    with pytest.raises((Planted, Interrupted, portnn.DivergenceError, ValueError)):
        fit(folder, callbacks=[strike], **wrong)
    assert (tmp_path / "deep").exists() == (end != "refused")  # nothing was made for a run that never began
    fit(folder, resume=True)
    assert hidden(folder) == []


def test_what_others_keep_in_the_folder_stays(tmp_path):
    (tmp_path / "run").mkdir()
    with RunFolder(tmp_path / "run").locked():
        pass
    assert (tmp_path / "run").exists()
    with RunFolder(tmp_path / "new" / "run").locked():
        (tmp_path / "new" / "notes.txt").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["notes.txt"]


def test_a_run_that_is_locked_can_be_read(tmp_path):
    def read(event):
        assert portnn.load(tmp_path).model == portnn.load(tmp_path / "last.safetensors").model

    fit(tmp_path)
    fit(tmp_path, steps=6, resume=True, callbacks=[read])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_from_a_run_does_not_keep_its_lock(tmp_path):
    """Nor does it release the lock of a run that goes on."""
    program = f"""
import os, time
from pathlib import Path
from portnn.training import RunFolder
with RunFolder(Path({str(tmp_path)!r})).locked():
    awake, waking = os.pipe()
    if os.fork() == 0:
        os.write(waking, b".")
        time.sleep(60)
    os.read(awake, 1)
    if os.fork() == 0:
        os._exit(0)
    os.wait()
    print("locked", flush=True)
    time.sleep(60)
"""
    options = {"stdout": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen([sys.executable, "-c", program], **options) as process:
        assert process.stdout.readline() == "locked\n"
        try:
            with refused(tmp_path), RunFolder(tmp_path).locked():
                pass
            process.kill()
            process.wait()
            with RunFolder(tmp_path).locked():
                pass
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_many_processes_at_once_are_one_run(tmp_path):
    """Whoever comes first: the lock is taken and given back hundreds of times while the file comes and goes."""
    count = tmp_path / "count"
    count.write_text("0")
    (tmp_path / "run").mkdir()
    program = f"""
import contextlib, time
from pathlib import Path
from portnn.training import RunFolder
count, times = Path({str(count)!r}), 40
while times:
    with contextlib.suppress(ValueError), RunFolder(Path({str(tmp_path / "run")!r})).locked():
        number = int(count.read_text())
        time.sleep(0.0005)
        count.write_text(str(number + 1))
        times -= 1
"""
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert count.read_text() == "120"


def failing(number):
    def acquire(self, **_):
        raise OSError(number, os.strerror(number))

    return acquire


def test_a_folder_that_is_read_only_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("filelock.FileLock.acquire", failing(errno.EROFS))
    with pytest.raises(
        OSError, match=rf"^\[Errno {errno.EROFS}\] cannot use the folder {tmp_path}: Read-only file sys"
    ):
        portnn.CharRNN().fit(Path("no such file"), out=tmp_path)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_nothing_can_be_locked_a_run_goes_on_without(tmp_path, monkeypatch, number):
    monkeypatch.setattr("filelock.FileLock.acquire", failing(number))
    assert fit(tmp_path).history.step == 4
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("command", ["char-rnn", "mlp", "word2vec"])
@pytest.mark.parametrize("option", [None, "--resume", "--overwrite"])
def test_the_command_line_says_it_in_one_line_before_it_reads(tmp_path, monkeypatch, capsys, command, option):
    folder = tmp_path / ("run.safetensors" if command == "word2vec" else "run")
    arguments = [command, "train", tmp_path / "no such file", "--out", folder, *([option] if option else [])]
    monkeypatch.setattr(sys, "argv", ["portnn", *map(str, arguments)])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with RunFolder(folder).locked(), pytest.raises(SystemExit) as caught:
        command_line()
    assert caught.value.code == 1
    message = f"portnn: another run is using {folder}: wait until it has ended, or name another\n"
    assert capsys.readouterr() == ("", message)
