"""Steps whose sums are taken on GPUs that other arrays stand in for: threads are the processes, and add up for NCCL."""

from __future__ import annotations

import platform
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from portnn.backends import tree_map
from portnn.batches import Part
from portnn.checking import training_cases, training_losses
from portnn.checking.kernels import meta_backend
from portnn.groups import ALONE, Place
from portnn.optimizers import optimizer
from portnn.optimizers.schedules import Constant
from portnn.training import Plan, StepSettings, Trainer, init_optimizer, sums
from portnn.training.shared_step import SharedStep
from portnn.training.sums import DeviceSums, HostSums, Summand, sums_of

WRITABLE = pytest.mark.only("numpy", "torch", "array-api-strict", "dpnp", "mlx")
"""Libraries whose arrays can be written into, as NCCL does."""

CASES = {case.name: case for case in training_cases()}
SOME = ("RecurrentLM gru", "FeedForward relu", "SequenceClassifier gru", "ImageClassifier batch norm")
STEPS = 12


class ThreadGroup:
    """A group of threads, one of which runs while the others wait for it: dpnp computes wrongly in two at once."""

    def __init__(self, rank, given, barrier, turn):
        self.rank, self.size, self.neighbours = rank, len(given), len(given)
        self._given, self._barrier, self._turn, self.sums = given, barrier, turn, 0

    def empty(self, entries, dtype):
        return np.empty(entries, dtype)

    def sum_in_place(self, vector):
        assert isinstance(vector, np.ndarray)  # no memory of a device
        self.sums += 1
        vector[...] = sum(self.gather(vector.copy()))

    def gather(self, value):
        self._given[self.rank] = value
        self._wait()
        values = list(self._given)
        self._wait()
        return values

    def _wait(self):
        self._turn.release()
        try:
            self._barrier.wait(timeout=60)
        finally:
            self._turn.acquire()

    def broadcast(self, value):
        return self.gather(value)[0]


def together(size, work):
    """What `work(group)` gives in each thread of a group."""
    given, barrier, turn = [None] * size, threading.Barrier(size), threading.Lock()

    def run(rank):
        with turn:
            try:
                return work(ThreadGroup(rank, given, barrier, turn))
            except BaseException:
                barrier.abort()
                raise

    with ThreadPoolExecutor(size) as threads:
        return list(threads.map(run, range(size)))


def adding(group, backend, calls):
    """What stands in for NCCL: it adds up the arrays of all threads, which lie on no GPU."""

    def add(vector):
        assert vector.ndim == 1
        calls.append((vector, group.sums))
        vector[...] = backend.asarray(sum(group.gather(np.array(backend.to_host(vector)))))

    return add


@pytest.fixture
def gpus(backend, monkeypatch):
    """Let the library under test have two GPUs and NCCL; what is called is noted."""
    library, called = type(backend.library), []

    def nccl_sum(self, nccl_id, rank, size, device):
        called.append((nccl_id, rank, size, device))
        return adding(nccl_id[rank], backend, [])

    def change_on_host(self, vector, change):
        host = np.array(backend.to_host(vector))
        change(host)
        called.append("host")
        vector[...] = backend.asarray(host)

    monkeypatch.setattr(library, "gpu", lambda self, device: threading.current_thread().name)
    monkeypatch.setattr(library, "has_nccl", lambda self: True)
    monkeypatch.setattr(library, "nccl_sum", nccl_sum)
    monkeypatch.setattr(library, "change_on_host", change_on_host)
    monkeypatch.setattr(sums, "_JOINED", {})
    return called


def train(case, backend, group, lines):
    plan = Plan(
        optimizer=optimizer("adam"),
        schedule=Constant(0.01),
        clip_norm=5.0,
        log_every=1,
        evaluate_every=STEPS,
        checkpoint_every=STEPS,
        divergence_factor=1e9,
    )
    params = tree_map(backend.asarray, case.model.init(np.random.default_rng(0)))
    run = Trainer(case.model, case.batches(), plan, backend, params, on_metrics=lines.append, quiet=True, group=group)
    return tree_map(backend.to_host, run.run(STEPS).params)


@WRITABLE
@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("way", ["nccl", "pinned", "host"])
def test_every_step_is_that_of_one_process(backend, gpus, monkeypatch, name, way):
    case, losses = CASES[name], [[], []]
    alone = training_losses(
        case.model, optimizer("adam"), case.batches(), backend, steps=STEPS, learning_rate=0.01, clip_norm=5.0
    )
    if way == "pinned":
        monkeypatch.setattr(type(backend.library), "has_nccl", lambda self: False)
    if way == "host":
        monkeypatch.setattr(type(backend.library), "gpu", lambda self, device: None)

    def work(group):
        groups = group.gather(group)
        monkeypatch.setattr(type(backend.library), "nccl_id", lambda self: groups)
        return train(case, backend, group, losses[group.rank])

    first, second = together(2, work)
    for lines in losses:
        assert_allclose([line["loss"] for line in lines], alone, rtol=1e-9)
    for parameter in first:
        assert_array_equal(first[parameter], second[parameter])
    if way == "nccl":
        assert sorted(called[1:] for called in gpus) == [(rank, 2, backend.device) for rank in range(2)]
    else:
        assert set(gpus) == ({"host"} if way == "pinned" else set())


@WRITABLE
def test_the_sums_of_a_vector_and_of_one_array(backend, rng):
    given = [[rng.normal(size=shape) for shape in ((2, 3), (4,), ())] for _ in range(2)]

    def work(group):
        calls = []
        device = DeviceSums(group, backend, adding(group, backend, calls))
        arrays = [backend.asarray(array) for array in given[group.rank]]
        factor = backend.asarray(np.float64(0.5))
        vector, stops = device.total([Summand(arrays[0], factor), *map(Summand, arrays[1:])], group.rank == 1)
        ((given_to_nccl, met),) = calls
        assert given_to_nccl is vector
        assert met == 1  # before, so that nobody waits on a GPU for a process that does not come
        turned = backend.xp.matrix_transpose(arrays[0])
        totals = [backend.to_host(device.sum(array)) for array in (arrays[0], turned)]
        assert_array_equal(backend.to_host(arrays[0]), given[group.rank][0])  # as it was
        return backend.to_host(vector), stops, totals, device.at_home(turned) is turned

    for vector, stops, totals, is_home in together(2, work):
        parts = [np.concatenate([0.5 * a.reshape(-1), b, c.reshape(-1)]) for a, b, c in given]
        assert_allclose(vector, sum(parts), rtol=1e-15)
        assert_array_equal(totals[0], given[0][0] + given[1][0])
        assert_array_equal(totals[1], totals[0].T)
        assert stops is True
        assert is_home


@pytest.mark.parametrize("stopping", [0, 1])
def test_any_process_stops_all(backend, stopping):
    def work(group):
        host = HostSums(group, backend)
        summand = Summand(backend.asarray(np.ones(2)))
        asked = [host.total([summand], number == 1 and group.rank == stopping)[1] for number in range(3)]
        return asked, host.home.name

    assert together(2, work) == [([False, True, False], "numpy")] * 2


@WRITABLE
def test_gpus_are_joined_once(backend, gpus, monkeypatch):
    def work(group):
        groups = group.gather(group)
        monkeypatch.setattr(type(backend.library), "nccl_id", lambda self: groups)
        return [type(sums_of(group, backend)) for _ in range(2)]

    assert together(2, work) == [[DeviceSums] * 2] * 2
    assert len(gpus) == 2


@WRITABLE
def test_one_process_decides_for_all(backend, gpus, monkeypatch):
    """Nobody waits for NCCL in vain."""
    seen = []

    def way_of(places):
        seen.append(tuple(places))
        return "host"

    monkeypatch.setattr(sums, "way_of", way_of)
    assert {type(found) for found in together(2, lambda group: sums_of(group, backend))} == {HostSums}
    assert seen[0] == seen[1]
    assert [(place.machine, place.nccl) for place in seen[0]] == [(platform.node(), True)] * 2
    assert len({place.gpu for place in seen[0]}) == 2


def test_what_is_on_no_gpu_is_added_up_on_the_host(backend, monkeypatch):
    """As all the libraries of the tests are; NCCL is not even looked for."""
    monkeypatch.setattr(type(backend.library), "has_nccl", lambda self: pytest.fail("was looked for"))
    assert isinstance(sums_of(ALONE, backend), HostSums)


def test_an_nccl_that_fails_says_so_in_one_line(backend, gpus, monkeypatch):
    def fail(self, *_):
        raise OSError("unhandled cuda error\nin file nccl.cpp")

    monkeypatch.setattr(type(backend.library), "nccl_id", lambda self: b"")
    monkeypatch.setattr(type(backend.library), "nccl_sum", fail)
    with pytest.raises(RuntimeError, match=r"^NCCL cannot join the GPUs \(unhandled cuda error\); NCCL_DEBUG=WARN "):
        sums_of(ALONE, backend)
    assert sums._JOINED == {}


class Two:
    """One of two processes, whose other adds nothing."""

    rank, size = 1, 2

    def sum_in_place(self, vector):
        assert isinstance(vector, np.ndarray)

    def gather(self, value):
        return [value, value]


@pytest.mark.host
@pytest.mark.torch_oracle
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.model.row_parameters])
def test_nothing_waits_for_the_device(name):
    """On PyTorch's device `meta`, where a look at a value is an error. Numbers of rows are asked for, so no tables."""
    case, meta, batches = CASES[name], meta_backend(), CASES[name].batches()
    part, added = batches.at(0, Part(1, 2)), []
    params = tree_map(meta.asarray, case.model.init(np.random.default_rng(0)))
    chosen = optimizer("adam")
    state = init_optimizer(chosen, case.model, params, meta)
    step = SharedStep(
        case.model, chosen, meta, StepSettings(clip_norm=5.0), DeviceSums(Two(), meta, added.append), lambda: False
    )
    rows = Part(1, 2).cut(batches.batch_size)
    carry = tree_map(lambda array: meta.asarray(array[rows, ...]), case.model.initial_carry(batches.batch_size))
    batch = part._replace(data=tree_map(meta.asarray, part.data))
    result = step(params, state, batch, carry, *(meta.asarray(np.float64(number)) for number in (0.01, 1.0)))
    assert not step.stops
    assert {array.device.type for array in (*result.params.values(), result.loss, *added)} == {"meta"}
    assert len(added) == 1 or case.model.couples_parts


def test_places_are_plain(backend):
    """They are sent to all processes."""
    (place,) = ALONE.gather(Place(platform.node(), backend.library.gpu(backend.device), False))
    assert all(isinstance(fact, str | bool | None) for fact in place)
