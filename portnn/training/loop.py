"""The one training loop: batches, steps, callbacks, metrics, held-out loss, checkpoints, stop and resume."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from portnn.backends import Array, Backend, generator_from_json, state_to_json, tree_map
from portnn.batches.batch_source import BatchSource
from portnn.checkpoints.checkpoint import Arrays, CheckpointError, save_checkpoint
from portnn.models import Model, Parameters
from portnn.process import one_blas_thread
from portnn.training.callbacks import Callback, StepEvent, check_replaced
from portnn.training.divergence import DivergenceError, DivergenceWatch
from portnn.training.folder import RunFolder
from portnn.training.interruption import Interrupted, StopRequests
from portnn.training.metrics import SPEED, Metrics, MetricsFile
from portnn.training.packing import row_major
from portnn.training.plan import Plan
from portnn.training.progress import Progress, StopWatch
from portnn.training.state import Progressed
from portnn.training.step import StepResult, init_optimizer, make_step
from portnn.training.workers import Workers, check_workers

SMALL_PRODUCT = 1 << 22
"""Where the largest product of a step has fewer multiplications, one thread is faster than several."""


class Unread(NamedTuple):
    """A step whose loss, a sum of `terms` terms, still lies on the device."""

    step: int
    loss: Array
    terms: float
    learning_rate: float
    gradient_norm: Array | None
    starts_epoch: bool


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
        Where last.safetensors, best.safetensors and metrics.jsonl go, in place of an earlier run's unless that
        one is restored; without it nothing is written.
    facts : dict
        What else a checkpoint says, in plain JSON types (the model's configuration, the vocabulary).
    constants : dict of str to NumPy array
        Arrays that a checkpoint holds beside the run's own.
    callbacks : sequence of Callback
    on_metrics : callable, optional
        Called with each line of metrics.
    loss_unit : str
        For the progress: "nats", or nothing.
    quiet : bool
        No progress on stderr.

    best_params : dict of str to array, or None
        Those with the lowest held-out loss so far in this process.
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
    constants: Arrays = field(default_factory=dict)
    callbacks: Sequence[Callback] = ()
    on_metrics: Callable[[Metrics], object] | None = None
    loss_unit: str = "nats"
    quiet: bool = False
    best_params: Parameters | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        check_workers(self.plan.workers, self.backend, self.source.batch_size)
        optimizer_state = init_optimizer(self.plan.optimizer, self.model, self.params, self.backend)
        self.state = Progressed(self.params, optimizer_state, self._initial_carry())
        self._files = None if self.folder is None else RunFolder(self.folder)
        self._unread: list[Unread] = []
        self._rate = math.nan
        self._norm: float | None = None
        self._given: Any = None

    def run(self, total_steps: int) -> Progressed:
        """Train until `total_steps` steps have been done in all, or the plan's patience is at its end, and save.

        Raises
        ------
        DivergenceError
            If the loss is not finite or explodes. The last good checkpoint stays.
        Interrupted
            If SIGINT or SIGTERM came; the state is saved first.
        WorkerError
            If a worker process failed or is gone.
        OSError
            If the folder cannot be written.
        """
        state, plan = self.state, self.plan
        self._metrics = None
        if self._files is not None:
            self._files.prepare(anew=state.step == 0)
            self._metrics = MetricsFile(self._files.metrics, steps_done=state.step)
        self._watch = DivergenceWatch(plan.divergence_factor, state.first_loss)
        self._logged = (state.step, state.seconds)
        with (
            StopRequests() as requests,
            Progress(
                total_steps,
                state.step,
                unit=self.source.unit,
                loss_unit=self.loss_unit,
                epoch=plan.evaluate_every if plan.mean_over == "epoch" else None,
                quiet=self.quiet,
            ) as self._progress,
            self._blas_threads(),
            self._workers() as workers,
        ):
            self._step = make_step(
                self.model, plan.optimizer, self.backend,
                clip_norm=plan.clip_norm, clip_value=plan.clip_value, workers=workers,
            )  # fmt: skip
            self._clock = StopWatch(state.seconds)
            while state.step < total_steps and not self.out_of_patience and requests.received is None:
                result = self._advance()
                ends = state.step == total_steps
                evaluates = ends or state.step % plan.evaluate_every == 0
                logs = evaluates or state.step % plan.log_every == 0
                between = ends and state.step % plan.evaluate_every != 0 and state.step % plan.log_every != 0
                saves = ends or state.step % plan.checkpoint_every == 0
                if logs or saves:
                    self._read_losses()  # waits for the device, so the clock must still run
                state.seconds = self._clock.seconds
                with self._clock:
                    self._call_back(result)
                    if logs:
                        self._log(evaluate=evaluates, keep_losses=between)
                    if saves or self.out_of_patience:
                        self._save_last()
                self._progress.advance()
            if requests.received is not None and state.step < total_steps and not self.out_of_patience:
                self._read_losses()
                if state.step > self._logged[0]:
                    self._log(evaluate=False, keep_losses=True)
                self._save_last()
                raise Interrupted(requests.received, state.step)
        return state

    @property
    def out_of_patience(self) -> bool:
        """Whether the loss has not become lower for as long as the plan waits."""
        return self.plan.patience is not None and self.state.waited >= self.plan.patience

    def save(self, path: Path) -> None:
        """Write a checkpoint, once all losses so far have been found good.

        Raises
        ------
        DivergenceError
            If one was not, or a parameter is not finite.
        OSError
            If it cannot be written; what was there before stays.
        """
        self._read_losses()
        arrays, progressed = self.state.to_host(self.backend)
        if not all(np.all(np.isfinite(array)) for path, array in arrays.items() if path.startswith("params.")):
            # The last update broke what its loss could not show yet; the next loss would be NaN.
            raise DivergenceError(self.state.step, math.nan, self._rate, self._norm)
        run = {**progressed, "position": self.source.position, "random": state_to_json(self.rng)}
        save_checkpoint(path, {**arrays, **self.constants}, {**self.facts, "run": run})

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
        position, random = run.pop("position"), run.pop("random")
        self.state = self.state.restored(arrays, run, self.backend)
        self.source.position, self.rng = position, generator_from_json(random)

    def _blas_threads(self) -> contextlib.AbstractContextManager[None]:
        shapes, tables = self.model.shapes(), self.model.row_parameters
        largest = max((math.prod(shape) for name, shape in shapes.items() if name not in tables), default=0)
        if self.backend.library.on_host and self.source.tokens * largest < SMALL_PRODUCT:
            return one_blas_thread()
        return contextlib.nullcontext()

    def _workers(self) -> contextlib.AbstractContextManager[Workers | None]:
        if self.plan.workers == 1:
            return contextlib.nullcontext()
        return Workers(self.model, self.backend, self.plan.workers)

    def _save_last(self) -> None:
        if self._files is None:
            self._read_losses()
        else:
            self.save(self._files.last)

    def _initial_carry(self) -> Any:
        return tree_map(self.backend.asarray, self.model.initial_carry(self.source.batch_size))

    def _advance(self) -> StepResult:
        state, asarray = self.state, self.backend.asarray
        batch, starts = self.source.next(self.rng)
        carry = self._initial_carry() if starts else state.carry
        self._rate = self.plan.schedule(state.step)
        state.step += 1
        if batch is not self._given:  # a full batch is the same every time
            self._given, self._placed = batch, tree_map(asarray, batch)
        result = self._step(
            state.params,
            state.optimizer_state,
            self._placed,
            carry,
            asarray(np.float64(self._rate)),
            asarray(np.float64(state.step)),
        )
        state.params, state.optimizer_state, state.carry = result[:3]
        unread = Unread(state.step, result.loss, self.source.terms, self._rate, result.gradient_norm, starts)
        self._unread.append(unread)
        return result

    def _kept_params(self) -> Parameters:
        """Parameters that stay as they are: where there are tables, the next step takes all parameters over."""
        params, xp = self.state.params, self.backend.xp
        return {name: xp.asarray(p, copy=True) for name, p in params.items()} if self.model.row_parameters else params

    def _call_back(self, result: StepResult) -> None:
        for callback in self.callbacks:
            event = StepEvent(
                step=self.state.step,
                params=self.state.params,
                loss=result.loss,
                gradient_norm=result.gradient_norm,
                learning_rate=self._rate,
                carry=self.state.carry,
                backend=self.backend,
            )
            replaced = callback(event)
            if replaced is not None:
                check_replaced(replaced, self.state.params)
                self.state.params = {name: row_major(array, xp=self.backend.xp) for name, array in replaced.items()}

    def _read_losses(self) -> None:
        """Fetch the losses that lie on the device, and stop if one is bad."""
        state, smoothing = self.state, self.plan.smoothing
        for step, loss, terms, rate, norm, starts_epoch in self._unread:
            total, self._norm = float(loss), None if norm is None else float(norm)
            loss_now = total / max(terms, 1.0)
            if terms or not math.isfinite(total):  # a batch may have none, and its loss of 0 is no measure for others
                self._watch.check(step, loss_now, rate, self._norm)
            if self.plan.mean_over == "epoch":
                if starts_epoch:
                    state.epoch_loss = state.epoch_terms = 0.0
                state.epoch_loss, state.epoch_terms = state.epoch_loss + total, state.epoch_terms + terms
            else:
                state.losses.append(loss_now)
            if smoothing is not None:
                before = loss_now if state.smooth_loss is None else state.smooth_loss
                state.smooth_loss = smoothing * before + (1.0 - smoothing) * loss_now
        state.first_loss = self._watch.first
        self._unread.clear()

    def _log(self, *, evaluate: bool, keep_losses: bool = False) -> None:
        state = self.state
        if self.plan.mean_over == "epoch":
            mean = state.epoch_loss / max(state.epoch_terms, 1.0)
        else:
            mean = math.fsum(state.losses) / len(state.losses)
        loss = mean if state.smooth_loss is None else state.smooth_loss
        if not keep_losses:
            state.losses = []
        steps, seconds = state.step - self._logged[0], state.seconds - self._logged[1]
        self._logged = (state.step, state.seconds)
        speed = steps * self.source.tokens / seconds
        state.tokens_per_second = state.step * self.source.tokens / state.seconds
        improved = False
        if evaluate and self.held_out is not None:
            state.held_out_loss = self.held_out(state.params)
            if not math.isfinite(state.held_out_loss):
                raise DivergenceError(state.step, state.held_out_loss, self._rate, self._norm)
            improved = state.best_held_out_loss is None or state.held_out_loss < state.best_held_out_loss
            if improved:
                state.best_held_out_loss, self.best_params = state.held_out_loss, self._kept_params()
        if evaluate and state.step % self.plan.evaluate_every == 0:  # the end of a run is no moment to wait for
            state.wait_for(loss if state.held_out_loss is None else state.held_out_loss, self.plan.tolerance)
        line = Metrics(
            step=state.step,
            loss=loss,
            held_out_loss=state.held_out_loss if evaluate else None,
            learning_rate=self._rate,
            gradient_norm=self._norm,
            seconds=state.seconds,
        )
        line[SPEED[self.source.unit]] = speed  # type: ignore[literal-required]
        if self._metrics is not None:
            self._metrics.add(line)
        if self.on_metrics is not None:
            self.on_metrics(line)
        if improved and self._files is not None:
            self.save(self._files.best)
        self._progress.show(step=state.step, loss=loss, held_out_loss=state.held_out_loss, speed=speed, say=evaluate)
