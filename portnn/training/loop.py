"""The one training loop: batches, steps, callbacks, metrics, held-out loss, checkpoints, stop and resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from portnn.backends import (
    Array,
    Backend,
    generator_from_json,
    state_to_json,
    tree_flatten,
    tree_map,
    tree_unflatten,
)
from portnn.models import Model, Parameters
from portnn.optimizers import Optimizer
from portnn.schedules import Schedule
from portnn.training.callbacks import Callback, StepEvent
from portnn.training.checkpoint import Arrays, CheckpointError, save_checkpoint
from portnn.training.divergence import DivergenceWatch
from portnn.training.interruption import Interrupted, StopRequests
from portnn.training.metrics import Metrics, MetricsFile
from portnn.training.progress import Progress, StopWatch
from portnn.training.step import StepResult, make_step


class BatchSource(Protocol):
    """Where batches come from, on the host."""

    position: int
    batch_size: int

    @property
    def tokens(self) -> int:
        """What one batch counts for in the speed: characters, rows, words."""

    def next(self, rng: np.random.Generator) -> tuple[Any, bool]:
        """Return the next batch, and whether the carry starts anew with it."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train: what a checkpoint needs beside the model for the run to go on.

    Attributes
    ----------
    optimizer : Optimizer
    schedule : Schedule
        Learning rate as a function of the steps done.
    clip_norm, clip_value : float, optional
        Limits of the gradients' global norm and of each of their entries.
    log_every, evaluate_every, checkpoint_every : int
        In steps.
    smoothing : float, optional
        Report ``smooth = smoothing * smooth + (1 - smoothing) * loss`` instead of the mean since the last line.
    """

    optimizer: Optimizer
    schedule: Schedule
    clip_norm: float | None = None
    clip_value: float | None = None
    log_every: int = 10
    evaluate_every: int = 200
    checkpoint_every: int = 200
    smoothing: float | None = None

    def __post_init__(self) -> None:
        for name in ("clip_norm", "clip_value"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value:
                raise ValueError(f"{name} must be positive, got {value}")
        for name in ("log_every", "evaluate_every", "checkpoint_every"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive whole number, got {value!r}")


@dataclass
class Progressed:
    """All that a run changes as it goes, beside what the batch source and the generator hold."""

    params: Parameters
    optimizer_state: Any
    carry: Any
    step: int = 0
    seconds: float = 0.0
    first_loss: float | None = None
    smooth_loss: float | None = None
    held_out_loss: float | None = None
    best_held_out_loss: float | None = None
    tokens_per_second: float = 0.0


NOT_IN_FACTS = {"params", "optimizer_state", "carry"}
"""Fields of `Progressed` that hold arrays; the others go into a checkpoint's metadata."""


class Unread(NamedTuple):
    """A step whose loss still lies on the device."""

    step: int
    loss: Array
    learning_rate: float
    gradient_norm: Array


@dataclass
class Trainer:
    """A training run of any model on any backend.

    Attributes
    ----------
    model, source, plan, backend
        What to train, on what batches, how, and where.
    params : dict of str to array
        Parameters to start from, on the backend.
    rng : Generator
        Drawn from for every batch, on the host.
    held_out : callable, optional
        Parameters -> loss on held-out data.
    folder : Path, optional
        Where last.safetensors, best.safetensors and metrics.jsonl go; without it nothing is written.
    facts : dict
        What else a checkpoint says, in plain JSON types (the model's configuration, the vocabulary).
    callbacks : sequence of Callback
    quiet : bool
        No progress on stderr.
    """

    model: Model
    source: BatchSource
    plan: Plan
    backend: Backend
    params: Parameters
    rng: np.random.Generator
    held_out: Callable[[Parameters], float] | None = None
    folder: Path | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    callbacks: Sequence[Callback] = ()
    quiet: bool = False

    def __post_init__(self) -> None:
        optimizer_state = self.plan.optimizer.init(self.params, xp=self.backend.xp)
        self.state = Progressed(self.params, optimizer_state, self._initial_carry())
        self._unread: list[Unread] = []
        self._losses: list[float] = []

    def run(self, total_steps: int) -> Progressed:
        """Train until `total_steps` steps have been done in all, and save.

        Raises
        ------
        DivergenceError
            If the loss is not finite or explodes. The last good checkpoint stays.
        Interrupted
            If SIGINT or SIGTERM came; the state is saved first.
        OSError
            If the folder cannot be written.
        """
        state, plan = self.state, self.plan
        self._step = make_step(
            self.model, plan.optimizer, self.backend, clip_norm=plan.clip_norm, clip_value=plan.clip_value
        )
        self._metrics = None
        if self.folder is not None:
            make_folder(self.folder)
            self._metrics = MetricsFile(self.folder / "metrics.jsonl", steps_done=state.step)
        self._watch = DivergenceWatch(first=state.first_loss)
        self._clock = StopWatch(state.seconds)
        self._logged = (state.step, state.seconds)
        with StopRequests() as requests, Progress(total_steps, state.step, quiet=self.quiet) as self._progress:
            while state.step < total_steps:
                result = self._advance()
                ends = state.step == total_steps or requests.received is not None
                state.seconds = self._clock.seconds
                with self._clock:
                    self._call_back(result)
                    if ends or state.step % plan.evaluate_every == 0:
                        self._log(evaluate=True)
                    elif state.step % plan.log_every == 0:
                        self._log(evaluate=False)
                    if ends or state.step % plan.checkpoint_every == 0:
                        self.save("last.safetensors")
                    self._progress.advance()
                if requests.received is not None and state.step < total_steps:
                    raise Interrupted(requests.received, state.step)
        return state

    def save(self, name: str) -> None:
        """Write a checkpoint into the folder, if there is one, once all losses so far have been found good."""
        self._read_losses()
        if self.folder is None:
            return
        state, to_host = self.state, self.backend.to_host
        trees = {"params": state.params, "optimizer": state.optimizer_state, "carry": state.carry}
        arrays = {
            path: to_host(array) for top, tree in trees.items() for path, array in tree_flatten(tree, top)
        }
        progressed = {name: value for name, value in vars(state).items() if name not in NOT_IN_FACTS}
        run = {**progressed, "position": self.source.position, "random": state_to_json(self.rng)}
        save_checkpoint(self.folder / name, arrays, {**self.facts, "run": run})

    def restore(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Go on where a checkpoint stopped.

        Raises
        ------
        CheckpointError
            If the checkpoint has no training state or belongs to another architecture or optimizer.
        """
        if "run" not in facts:
            raise CheckpointError("the checkpoint holds a model but no training state, so there is nothing to resume")
        run = dict(facts["run"])
        self.source.position = run.pop("position")
        self.rng = generator_from_json(run.pop("random"))

        def placed(name: str, like: Any) -> Any:
            for path, array in tree_flatten(like, name):
                if path not in arrays or arrays[path].shape != tuple(array.shape):
                    there = arrays[path].shape if path in arrays else "not there"
                    raise CheckpointError(f"the checkpoint's {path} is {there}, expected {tuple(array.shape)}")
            return tree_map(self.backend.asarray, tree_unflatten(arrays, like, name))

        state = self.state
        self.state = Progressed(
            placed("params", state.params),
            placed("optimizer", state.optimizer_state),
            placed("carry", state.carry),
            **run,
        )

    def _initial_carry(self) -> Any:
        return tree_map(self.backend.asarray, self.model.initial_carry(self.source.batch_size))

    def _advance(self) -> StepResult:
        state, asarray = self.state, self.backend.asarray
        batch, starts = self.source.next(self.rng)
        carry = self._initial_carry() if starts else state.carry
        self._rate = self.plan.schedule(state.step)
        state.step += 1
        result = self._step(
            state.params,
            state.optimizer_state,
            tree_map(asarray, batch),
            carry,
            asarray(np.float64(self._rate)),
            asarray(np.float64(state.step)),
        )
        state.params, state.optimizer_state, state.carry = result[:3]
        self._unread.append(Unread(state.step, result.loss, self._rate, result.gradient_norm))
        return result

    def _call_back(self, result: StepResult) -> None:
        for callback in self.callbacks:
            event = StepEvent(
                self.state.step, self.state.params, result.loss, result.gradient_norm, self._rate,
                self.state.carry, self.backend,
            )
            replaced = callback(event)
            if replaced is not None:
                self.state.params = replaced

    def _read_losses(self) -> None:
        """Fetch the losses that lie on the device, and stop if one is bad."""
        state, smoothing = self.state, self.plan.smoothing
        for step, loss, rate, norm in self._unread:
            loss_now, self._norm = float(loss), float(norm)
            self._watch.check(step, loss_now, rate, self._norm)
            self._losses.append(loss_now)
            if smoothing is not None:
                before = loss_now if state.smooth_loss is None else state.smooth_loss
                state.smooth_loss = smoothing * before + (1.0 - smoothing) * loss_now
        state.first_loss = self._watch.first
        self._unread.clear()

    def _log(self, *, evaluate: bool) -> None:
        self._read_losses()
        state = self.state
        mean = math.fsum(self._losses) / len(self._losses)
        loss = mean if state.smooth_loss is None else state.smooth_loss
        self._losses.clear()
        steps, seconds = state.step - self._logged[0], state.seconds - self._logged[1]
        self._logged = (state.step, state.seconds)
        speed = steps * self.source.tokens / seconds
        state.tokens_per_second = state.step * self.source.tokens / state.seconds
        improved = False
        if evaluate and self.held_out is not None:
            state.held_out_loss = self.held_out(state.params)
            improved = state.best_held_out_loss is None or state.held_out_loss < state.best_held_out_loss
            if improved:
                state.best_held_out_loss = state.held_out_loss
        if self._metrics is not None:
            self._metrics.add(
                Metrics(
                    step=state.step,
                    loss=loss,
                    held_out_loss=state.held_out_loss if evaluate else None,
                    learning_rate=self._rate,
                    gradient_norm=self._norm,
                    characters_per_second=speed,
                    seconds=state.seconds,
                )
            )
        if improved:
            self.save("best.safetensors")
        self._progress.show(step=state.step, loss=loss, held_out_loss=state.held_out_loss, speed=speed, say=evaluate)


def make_folder(folder: Path) -> None:
    """Make a folder for a run; OSError in one line if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(error.errno, f"cannot make the folder {folder}: {error.strerror}") from error
