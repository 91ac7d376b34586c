"""The one training loop: batches, steps, callbacks, metrics, held-out loss, checkpoints, stop and resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from portnn.backends import Backend, tree_map
from portnn.batches import Batches, Part
from portnn.checkpoints import Arrays, CheckpointError, save_checkpoint
from portnn.groups import ALONE, Group, from_first
from portnn.models import Model, Parameters
from portnn.training.callbacks import Callback, StepEvent, called_back
from portnn.training.divergence import DivergenceError
from portnn.training.folder import RunFolder
from portnn.training.interruption import Interrupted, StopRequests
from portnn.training.losses import Losses, Unread
from portnn.training.metrics import Metrics, MetricsFile
from portnn.training.progress import Progress, SpeedMeter, StopWatch
from portnn.training.settings import Plan
from portnn.training.sharing import blas_threads, check_workers, own_part, started, steps_of, whole_of
from portnn.training.state import RunState
from portnn.training.step import StepResult, init_optimizer


@dataclass(repr=False)
class Trainer:
    """A training run of any model on any backend.

    Attributes
    ----------
    model, batches, plan, backend
        What to train, on what, how, and where.
    params : dict of str to array
        Parameters to start from, on the backend.
    held_out : callable, optional
        Parameters -> loss on held-out data.
    folder : Path, optional
        Folder of last.safetensors, best.safetensors and metrics.jsonl, which replace those of an earlier run unless
        that run is restored; without a folder nothing is written.
    facts : dict
        What else a checkpoint records, in plain JSON types (the model's configuration, the vocabulary).
    constants : dict of str to NumPy array
        Arrays that a checkpoint holds beside those of the run.
    callbacks : sequence of Callback
    on_metrics : callable, optional
        Called with each line of metrics.
    loss_unit : str
        For the progress: "nats", or an empty string.
    quiet : bool
        Show no progress on stderr.
    group : Group
        The processes that train together, each with a trainer of its own; the first measures, writes and shows. `run`
        starts the others itself if the plan asks for workers.

    state : RunState
    best_params : dict of str to array, or None
        Those with the lowest held-out loss so far in this process.
    """

    model: Model
    batches: Batches
    plan: Plan
    backend: Backend
    params: Parameters
    held_out: Callable[[Parameters], float] | None = None
    folder: Path | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    constants: Arrays = field(default_factory=dict)
    callbacks: Sequence[Callback] = ()
    on_metrics: Callable[[Metrics], object] | None = None
    loss_unit: str = "nats"
    quiet: bool = False
    group: Group = ALONE
    best_params: Parameters | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        check_workers(self.plan.workers, self.backend, self.batches, self.group)
        optimizer_state = init_optimizer(self.plan.optimizer, self.model, self.params, self.backend)
        self.go_on(RunState(self.params, optimizer_state, self._initial_carry()))
        self._files = None if self.folder is None else RunFolder(self.folder)
        self._given: Any = None

    def go_on(self, state: RunState) -> None:
        """Continue from the state of an earlier run."""
        self.state, self._losses = state, Losses(self.plan, state)

    def run(self, total_steps: int) -> RunState:
        """Train until `total_steps` steps have been done in all, or the plan's patience has run out, and save.

        Raises
        ------
        DivergenceError
            If the loss is not finite or explodes. The last good checkpoint stays.
        Interrupted
            On SIGINT or SIGTERM; the state is saved first.
        WorkerError
            If a worker process failed or has ended.
        StalledError
            If another process of an MPI job does not answer.
        OSError
            If the folder cannot be written.
        """
        with started(self, total_steps):
            self.state.carry = own_part(self.state.carry, self.batches.batch_size, self.group)
            self._has_held_out, self._has_callbacks, self._saves = self.group.broadcast(
                (self.held_out is not None, bool(self.callbacks), self._files is not None)
            )
            try:
                self._run(total_steps)
            except Interrupted:  # as all are
                self.state.carry = self._whole_carry()
                raise
            self.state.carry = self._whole_carry()
        return self.state

    def _run(self, total_steps: int) -> None:
        state, plan = self.state, self.plan
        self._metrics = None
        if self._files is not None:
            self._files.prepare(anew=state.step == 0)
            self._metrics = MetricsFile(self._files.metrics, steps_done=state.step)
        self._logged, first = state.step, state.step + 1
        self._speed = SpeedMeter(state.step, state.seconds)
        with (
            StopRequests() as requests,
            Progress(
                total_steps,
                state.step,
                unit=self.batches.unit,
                loss_unit=self.loss_unit,
                epoch=self.batches.batches if plan.mean_over == "epoch" else None,
                may_end_early=plan.patience is not None,
                quiet=self.quiet,
            ) as self._progress,
            blas_threads(self.model, self.batches, self.backend, self.group),
        ):
            self._step, stops, settle, self._losses.combine = steps_of(self, requests)
            self._clock = StopWatch(state.seconds)
            while state.step < total_steps and not self.out_of_patience and not stops():
                result = self._advance()
                ends = state.step == total_steps
                evaluates = ends or state.step % plan.evaluate_every == 0
                logs = evaluates or state.step % plan.log_every == 0
                between = ends and state.step % plan.evaluate_every != 0 and state.step % plan.log_every != 0
                saves = ends or state.step % plan.checkpoint_every == 0
                if evaluates or saves:
                    settle(state.params)
                if logs or saves:
                    self._losses.read()  # waits for the device, so the clock must still run
                state.seconds = self._clock.seconds
                if state.step == first:
                    self._speed.mark(state.step, state.seconds)
                with self._clock:
                    self._call_back(result)
                    if logs:
                        self._log(evaluate=evaluates, keep_losses=between)
                    if saves or self.out_of_patience:
                        self._save("last")
                    self._progress.advance()
            if stops() and state.step < total_steps and not self.out_of_patience:
                self._losses.read()
                if state.step > self._logged:
                    self._log(evaluate=False, keep_losses=True)
                self._save("last")
                raise Interrupted(max(number or 0 for number in self.group.gather(requests.received)), state.step)

    @property
    def out_of_patience(self) -> bool:
        """Whether the loss has not improved for as many evaluations as the plan waits."""
        return self.plan.patience is not None and self.state.waited >= self.plan.patience

    def save(self, path: Path) -> None:
        """Write a checkpoint of the run as it is, even before `run`, if all losses so far are good.

        Raises
        ------
        DivergenceError
            If a loss is not good, or a parameter is not finite.
        OSError
            If the checkpoint cannot be written; an earlier file of that name stays.
        """
        self._losses.read()
        arrays, run = replace(self.state, carry=self._whole_carry()).to_host(self.backend)
        if not all(np.all(np.isfinite(array)) for name, array in arrays.items() if name.startswith("params.")):
            # The last update broke them after its loss was computed; the next loss would be NaN.
            self._fail(math.nan)
        if self.group.rank == 0:
            save_checkpoint(path, {**arrays, **self.constants}, {**self.facts, "run": run})

    def restore(self, arrays: Arrays, facts: dict[str, Any]) -> None:
        """Continue where a checkpoint stopped.

        Raises
        ------
        CheckpointError
            If the checkpoint has no training state or belongs to another architecture or optimizer.
        """
        if "run" not in facts:
            raise CheckpointError("the checkpoint holds a model but no training state, so there is nothing to resume")
        self.go_on(self.state.restored(arrays, facts["run"], self.backend))

    def _save(self, name: str) -> None:
        self._losses.read()
        if self._saves:  # which takes all processes, though only the first has files
            self.save(getattr(self._files, name, Path()))

    def _initial_carry(self) -> Any:
        return tree_map(self.backend.asarray, self.model.initial_carry(self.batches.batch_size))

    def _whole_carry(self) -> Any:
        return whole_of(self.state.carry, self.group, self.backend)

    @np.errstate(all="ignore")  # the loss shows what is not finite
    def _advance(self) -> StepResult:
        state, group, asarray = self.state, self.group, self.backend.asarray
        batch = self.batches.at(state.position, *([Part(group.rank, group.size)] if group.size > 1 else []))
        carry = own_part(self._initial_carry(), self.batches.batch_size, group) if batch.starts else state.carry
        state.step, state.position = state.step + 1, state.position + 1
        learning_rate = self._learning_rate()
        if batch.data is not self._given:  # a batch of the whole table is the same every time
            self._given, self._placed = batch.data, tree_map(asarray, batch.data)
        result = self._step(
            state.params,
            state.optimizer_state,
            self._placed if group.size == 1 else batch._replace(data=self._placed),
            carry,
            asarray(np.float64(learning_rate)),
            asarray(np.float64(state.step)),
        )
        state.params, state.optimizer_state, state.carry = result[:3]
        of_result = result.loss, batch.terms, learning_rate, result.gradient_norm
        self._losses.unread.append(Unread(state.step, *of_result, batch.starts))
        return result

    def _learning_rate(self) -> float:
        return self.plan.schedule(self.state.step - 1)  # of the current step

    def _kept_params(self) -> Parameters:
        """Parameters that no later step changes: with tables, the next step may write into the current ones."""
        params, xp = self.state.params, self.backend.xp
        return {name: xp.asarray(p, copy=True) for name, p in params.items()} if self.model.row_parameters else params

    def _call_back(self, result: StepResult) -> None:
        if not self._has_callbacks:
            return
        state = self.state
        of_result = result.loss, result.gradient_norm, self._learning_rate()
        event = StepEvent(state.step, state.params, *of_result, state.carry, self.backend)
        state.params = called_back(self.callbacks if self.group.rank == 0 else (), event, self.group)

    def _log(self, *, evaluate: bool, keep_losses: bool = False) -> None:
        state, losses = self.state, self._losses
        loss = losses.reported(keep=keep_losses)
        self._logged = state.step
        speed = self._speed.measure(state.step, state.seconds) * self.batches.tokens
        state.tokens_per_second = state.step * self.batches.tokens / state.seconds
        improved = evaluate and self._evaluate()
        if evaluate and state.step % self.plan.evaluate_every == 0:  # patience ignores an extra evaluation at the end
            state.wait_for(loss if state.held_out_loss is None else state.held_out_loss, self.plan.tolerance)
        line = Metrics(
            step=state.step,
            loss=loss,
            held_out_loss=state.held_out_loss if evaluate else None,
            learning_rate=losses.learning_rate,
            gradient_norm=losses.gradient_norm,
            seconds=state.seconds,
        )
        line[self.batches.speed] = speed  # type: ignore[literal-required]
        if self._metrics is not None:
            self._metrics.add(line)
        if self.on_metrics is not None:
            self.on_metrics(line)
        if improved:
            self._save("best")
        self._progress.show(step=state.step, loss=loss, held_out_loss=state.held_out_loss, speed=speed, say=evaluate)

    @np.errstate(all="ignore")
    def _evaluate(self) -> bool:
        """Measure the held-out loss, if there is one. Returns whether it is the lowest so far."""
        state = self.state
        if not self._has_held_out:
            return False
        measure: Any = self.held_out  # of the first process
        state.held_out_loss = from_first(self.group, lambda: measure(state.params))
        if not math.isfinite(state.held_out_loss):
            self._fail(state.held_out_loss)
        if state.best_held_out_loss is not None and state.held_out_loss >= state.best_held_out_loss:
            return False
        state.best_held_out_loss, self.best_params = state.held_out_loss, self._kept_params()
        return True

    def _fail(self, loss: float) -> None:
        raise DivergenceError(self.state.step, loss, self._losses.learning_rate, self._losses.gradient_norm)
