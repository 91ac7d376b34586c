"""Train a small character RNN as the ranks of this job; arguments say what is wrong with one of them.

mpiexec -n 2 python fit.py RANK WHAT
"""

import errno
import os
import sys
import time
from pathlib import Path

import portnn
from portnn.groups import load_mpi
from portnn.training import MPI, loop

TEXT = "the quick brown fox jumps over the lazy dog. " * 60
RANK = int(os.environ.get("PMI_RANK", "0"))


def main():
    odd, what = int(sys.argv[1]), sys.argv[2]
    model = {"cell": "gru", "hidden_size": 8, "seed": 1}
    run = {"steps": 30, "batch_size": 4, "seq_length": 8, "evaluate_every": 10, "progress": False, "out": "run"}
    text = TEXT

    def callback(event):
        if what == "callback fails" and event.step == 5:
            raise KeyError("planted")

    if odd == RANK:
        if what == "seed":
            model["seed"] = 2
        elif what == "rate":
            run["learning_rate"] = 0.5
        elif what == "size":
            model["hidden_size"] = 9
        elif what == "text":
            text = TEXT.replace("quick", "qucik")
        elif what == "vocabulary":
            text = TEXT.replace("quick", "Quick")
        elif what == "library":
            model["backend"] = "array-api-strict"
        elif what == "version":
            from portnn.estimators import running

            running.version = lambda name: "0.0.1"
        elif what == "no file":
            text = Path("nowhere.txt")
        elif what == "late":
            load_mpi()  # whose start waits for all
            time.sleep(100)
        elif what == "disk":
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "run/last.safetensors")
            loop.save_checkpoint = lambda *_: (_ for _ in ()).throw(full)
    if what == "all without a file":
        text = Path("nowhere.txt")
    made = portnn.CharRNN(**model).fit(text, **run, callbacks=[callback], workers=MPI, timeout=float(sys.argv[3]))
    print(f"rank {RANK} ended after step {made.history.step}", flush=True)


if __name__ == "__main__":
    main()
