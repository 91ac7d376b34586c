"""Arrays that several processes write to."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import numpy as np
import pytest

from portnn.groups import LocalGroup, common_array, local_group

pytestmark = [
    pytest.mark.host,
    pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="workers share memory as Linux does"),
]

WORK = """
class Writes:
    def __init__(self, common):
        self.common = common

    def __call__(self, group):
        table = self.common.mapped()
        table[group.rank] = group.rank
        group.gather(table[0, 0])
"""


def maps() -> int:
    return Path("/proc/self/maps").read_text().count("portnn-table")


def test_what_one_process_writes_all_see(tmp_path, monkeypatch):
    (tmp_path / "portnn_test_writes.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    from portnn_test_writes import Writes

    before = np.full((3, 5000), 7.0, np.float32)
    with common_array(before) as common:
        mine = common.mapped()
        assert type(mine) is np.ndarray
        assert (mine == before).all()
        mine[0] = -1.0
        with local_group(3, 0, Writes(common)) as group:
            assert isinstance(group, LocalGroup)
            assert group.gather(None)[1:] == [-1.0, -1.0]
    assert mine[:, -1].tolist() == [-1.0, 1.0, 2.0]  # also when the others have ended
    assert (before == 7.0).all()
    assert maps() == 1
    del mine
    gc.collect()
    assert maps() == 0
    with pytest.raises(FileNotFoundError):
        common.mapped()


def test_an_empty_array():
    with common_array(np.empty((0, 4))) as common:
        pass
    assert common.shape == (0, 4)
