"""Every call of a step, bound against CuPy's own signatures: it can be imported where no GPU is."""

import inspect
import re

import array_api_compat
import numpy as np
import pytest

from portnn.backends import Backend, library_name
from portnn.backends.libraries.cupy import CuPy
from portnn.checking.device_steps import device_steps
from portnn.checking.model_cases import training_cases
from portnn.checking.signatures import Call, Recorder, refused
from portnn.optimizers import OPTIMIZERS as OPTIMIZERS
from portnn.optimizers import optimizer
from portnn.training import StepSettings

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def calls():
    """Different calls of all steps of all models, with every optimizer."""
    xp = Recorder(CuPy.namespaces[-1])
    recording = Backend("numpy", xp, None, "float32")
    for case in training_cases():
        for chosen in map(optimizer, OPTIMIZERS):
            if chosen.takes_rows or not case.model.row_parameters:
                for _, step in device_steps(case, recording, chosen, StepSettings(clip_norm=5.0, clip_value=1.0)):
                    step()
    return xp.calls


def test_the_primitives_take_the_way_of_cupy(calls):
    assert library_name(Recorder(CuPy.namespaces[-1])) == "cupy"
    assert {"add.at", "argsort", "unstack"} <= {call.function for call in calls}
    assert len(calls) > 40


@pytest.mark.cupy_signatures
def test_cupy_takes_every_call(calls):
    CuPy().load()
    import array_api_compat.cupy as xp

    assert [reason for call in sorted(calls) if (reason := refused(call, xp)) is not None] == []


@pytest.mark.cupy_signatures
def test_cupy_has_what_is_needed_between_gpus():
    """NCCL's binding can be imported only where that library is."""
    cupy = CuPy().load()
    import cupyx

    inspect.signature(cupyx.empty_pinned).bind((3,), np.dtype("float32"))
    assert callable(cupy.cuda.get_current_stream)
    assert "out=None" in cupy.ndarray.get.__doc__.partition("\n")[0]
    assert "arr" in cupy.ndarray.set.__doc__.partition("\n")[0]
    assert {"use", "pci_bus_id", "__enter__"} <= set(dir(cupy.cuda.Device))
    if CuPy().has_nccl():
        from cupy.cuda import nccl

        assert "(int ndev, bytes commId, int rank" in nccl.NcclCommunicator.__doc__
        arguments = "sendbuf, intptr_t recvbuf, size_t count, int datatype, int op, intptr_t stream)"
        assert arguments in nccl.NcclCommunicator.allReduce.__doc__
        assert (nccl.NCCL_FLOAT32, nccl.NCCL_FLOAT64, nccl.NCCL_SUM, len(nccl.get_unique_id())) == (7, 8, 0, 128)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Call("take", 2, ("axis",)), None),
        (Call("exp", 1, ()), None),
        (Call("linalg.vector_norm", 1, ("keepdims",)), None),
        (Call("add.at", 3, ()), None),
        (Call("add.at", 2, ()), "add.at takes 3 arrays, not 2"),
        (Call("exp", 2, ()), "takes 1 arrays, not 2"),
        (Call("maximum", 2, ("axis",)), r"takes 2 arrays, not 2 with \['axis'\]"),
        (Call("take", 1, ("axe",)), "take: "),
        (Call("nonsense", 1, ()), "nonsense does not exist"),
        (Call("linalg.nonsense", 1, ()), "linalg.nonsense does not exist"),
    ],
)
def test_what_a_signature_does_not_allow_is_refused(call, reason):
    import array_api_compat.numpy as xp

    assert array_api_compat.is_numpy_namespace(xp)
    found = refused(call, xp)
    assert found is None if reason is None else re.search(reason, found)


def test_a_recorder_computes_with_numpy_and_writes_each_call_down_once():
    xp = Recorder("odd")
    for _ in range(2):
        assert xp.sum(xp.asarray([1.0, 2.0]), axis=0) == 3.0
    assert xp.linalg.vector_norm(np.asarray([3.0, 4.0])) == 5.0
    assert xp.float32 is np.float32
    assert xp.calls == {Call("asarray", 1, ()), Call("sum", 1, ("axis",)), Call("linalg.vector_norm", 1, ())}
