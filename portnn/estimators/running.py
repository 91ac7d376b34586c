"""How every run proceeds: lock the folder, prepare, compare with the checkpoint, restore, train, keep the result."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from portnn.backends import Backend, detached, to_host, tree_map
from portnn.batches import Batches
from portnn.checkpoints import Arrays, CheckpointError, check_facts, load_checkpoint
from portnn.estimators.data_facts import DataFacts, check_same_data
from portnn.estimators.estimator import Estimator
from portnn.estimators.loaded_params import checked_params
from portnn.estimators.run_settings import RunSettings
from portnn.estimators.version_1 import upgraded
from portnn.groups import ALONE, Group, check_agreement, from_first, mpi_group
from portnn.models import Model, Parameters
from portnn.settings import Settings, as_json, brief, declared
from portnn.training import MPI, DivergenceError, Plan, RunFolder, Trainer, automatic_workers, can_share

Saved = tuple[Arrays, dict[str, Any]]


@dataclass(kw_only=True)
class Task:
    """What an estimator brings to a run.

    Attributes
    ----------
    model, batches, params, backend
        What to train, on what, from where, and on which backend.
    data : DataFacts
        What identifies these data.
    held_out : callable, optional
        Parameters -> loss on held-out data.
    attributes : dict
        Other attributes that the estimator gets when the run starts, such as its vocabulary.
    settled : dict
        Settings of the run that the data settled, for the checkpoint: a batch cannot be larger than the table.
    plan : dict
        Parts of the plan that are specific to this estimator.
    loss_unit : str
    width : int
        Entries of the gates of all layers for one row of a batch: the work of a worker process. 0: share a batch only
        on request.
    close : callable
        Called when the run has ended, however it ended.
    """

    model: Model
    batches: Batches
    params: Parameters
    backend: Backend
    data: DataFacts
    held_out: Callable[[Parameters], float] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    settled: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    loss_unit: str = "nats"
    width: int = 0
    close: Callable[[], object] = lambda: None


def run(estimator: Estimator[Any], settings: RunSettings, prepare: Callable[[Saved | None, Group], Task]) -> None:
    """Train an estimator.

    Parameters
    ----------
    estimator : Estimator
        Unchanged if anything is refused before the first step, and restored if the run diverges. An interrupt, or any
        other error, leaves it as trained so far; with patience, as it was best so far.
    settings : RunSettings
    prepare : callable
        Makes the task, from the checkpoint to continue from, if there is one, for a process of a group.

    Raises
    ------
    ValueError
        If another run is writing to the folder, or the folder holds a run and neither `resume` nor `overwrite` was
        given.
    CheckpointError
        If no training run of this estimator wrote the checkpoint.
    """
    folder = None if settings.out is None else RunFolder(Path(settings.out))
    with contextlib.ExitStack() as stack:
        group: Group = stack.enter_context(mpi_group(settings.timeout)) if settings.workers == MPI else ALONE
        if folder is not None:
            locked = folder.locked()
            from_first(group, lambda: stack.enter_context(locked))
        _run(estimator, settings, prepare, folder, group)


def _run(
    estimator: Estimator[Any],
    settings: RunSettings,
    prepare: Callable[[Saved | None, Group], Task],
    folder: RunFolder | None,
    group: Group,
) -> None:
    before = {**vars(estimator), "metrics": list(estimator.metrics)}
    trainer = None
    try:
        trainer, task, total = _prepared(estimator, settings, prepare, folder, group)
        try:
            trainer.run(total)
        finally:
            task.close()
    except BaseException as error:
        if trainer is None or isinstance(error, DivergenceError):
            vars(estimator).clear()
            vars(estimator).update(before)
        else:
            _keep(estimator, trainer, ALONE)  # the others may have met no error
        raise
    _keep(estimator, trainer, group)


def load_run(folder: RunFolder, estimator: str) -> Saved:
    """Latest checkpoint of a run.

    Raises
    ------
    CheckpointError
        If no training run of this estimator wrote it.
    """
    arrays, facts = load_checkpoint(folder.last)
    if facts.get("estimator") != estimator:
        raise CheckpointError(f"the checkpoint holds {brief(facts.get('estimator'))}, not {brief(estimator)}")
    if "fit" not in facts or "run" not in facts:
        raise CheckpointError("the checkpoint holds a model but no training state, so there is nothing to resume")
    return arrays, upgraded(facts)


def _to_continue(folder: RunFolder, settings: RunSettings, estimator: str) -> Saved | None:
    """Checkpoint to continue from, if that was asked for and there is one."""
    if settings.resume and folder.last.exists():
        return load_run(folder, estimator)
    if folder.holds_run and not (settings.resume or settings.overwrite):
        raise ValueError(f"{folder.path} already holds a run: resume it, overwrite it, or name another folder")
    return None


def _prepared(
    estimator: Estimator[Any],
    settings: RunSettings,
    prepare: Callable[[Saved | None, Group], Task],
    folder: RunFolder | None,
    group: Group,
) -> tuple[Trainer, Task, int]:
    if estimator.params is not None:
        estimator.params = tree_map(detached, estimator.params)
    check_agreement(group, {"portnn": version("portnn"), "NumPy": version("numpy")})
    saved = None
    if folder is not None:
        saved = from_first(group, lambda: _to_continue(folder, settings, type(estimator).__name__))
    if group.size > 1 and estimator.settings.seed_was_drawn:
        estimator.settings = replace(estimator.settings, seed=group.broadcast(estimator.settings.seed))
    if saved is not None:
        if estimator.settings.seed_was_drawn:
            estimator.settings = replace(estimator.settings, seed=saved[1]["settings"]["seed"])
        _check_same(saved[1]["settings"], estimator.settings)
    task = prepare(saved, group)
    total = settings.total_steps(task.batches.batches)
    plan = _plan(settings, task, total, saved)
    vars(estimator).update({**task.attributes, "model": task.model, "params": task.params, "backend": task.backend})
    estimator.metrics = []
    estimator._forget()
    facts = {
        **estimator._facts(),
        "fit": settings.recorded(steps=total, workers=MPI if settings.workers == MPI else plan.workers, **task.settled),
        "data": task.data._asdict(),
    }
    check_facts(facts)
    if group.size > 1:
        library, parameters = {"array library": task.backend.name}, {"parameters": _digest(task.params)}
        check_agreement(group, {**library, **facts, **parameters})
    first = group.rank == 0
    trainer = Trainer(
        model=task.model,
        batches=task.batches,
        plan=plan,
        backend=task.backend,
        params=task.params,
        held_out=task.held_out,
        folder=folder.path if folder is not None and first else None,
        facts=facts,
        constants=estimator._constants(),
        callbacks=settings.callbacks,
        on_metrics=estimator.metrics.append,
        loss_unit=task.loss_unit,
        quiet=not (settings.progress and first),
        group=group,
    )
    if saved is not None:
        then = saved[1]
        _refuse_others({"dtype": then["dtype"]}, {"dtype": facts["dtype"]})
        _check_same(then["fit"], settings, task.settled)
        _refuse_others(then["model"], facts["model"])
        check_same_data(then["data"], task.data)
        trainer.restore(*saved)
    return trainer, task, total


def _digest(params: Parameters) -> str:
    digest = hashlib.sha256()
    for _, array in sorted(params.items()):
        digest.update(np.ascontiguousarray(to_host(array)).data)
    return digest.hexdigest()


def processes(settings: RunSettings, saved: Saved | None, group: Group) -> int:
    """How many processes train together, if that does not depend on the size of a batch."""
    if settings.workers == MPI:
        return group.size
    workers = settings.workers if settings.workers is not None or saved is None else saved[1]["fit"]["workers"]
    return workers if isinstance(workers, int) else 1


def _plan(settings: RunSettings, task: Task, total: int, saved: Saved | None) -> Plan:
    """Plan of a run, with everything settled that the settings leave open."""
    workers = 1 if settings.workers == MPI else settings.workers
    if workers is None and saved is not None and can_share(task.backend) and saved[1]["fit"]["workers"] != MPI:
        workers = saved[1]["fit"]["workers"]  # another number would change the last digits
    if workers is None:
        workers = automatic_workers(task.batches.batch_size, task.width, task.backend)
    return Plan(
        **{
            **settings.shared_with(Plan),
            **settings.cadence(task.batches.batches, total),
            **settings.schedule_over(total),
            "workers": workers,
            **task.plan,
        }
    )


def _check_same(then: dict[str, Any], settings: Settings, settled: dict[str, Any] | None = None) -> None:
    """Refuse to continue with another value of a setting that is fixed for a run; the message names the first."""
    now = {**settings.to_json(), **(settled or {})}
    fixed = [setting for setting in declared(type(settings)).values() if setting.fixed]
    # A checkpoint that is older than a setting was written with its default.
    _refuse_others(
        {setting.name: then.get(setting.name, as_json(setting.default)) for setting in fixed},
        {setting.name: now[setting.name] for setting in fixed},
    )


def _refuse_others(then: dict[str, Any], now: dict[str, Any]) -> None:
    for name, value in now.items():
        if then[name] != value:
            raise CheckpointError(f"cannot resume: the checkpoint has {name} {brief(then[name])}, not {brief(value)}")


def _keep(estimator: Estimator[Any], trainer: Trainer, group: Group) -> None:
    """Give the estimator what a run has come to, however it ended: its best parameters with patience, else the last."""
    estimator.history, estimator.params = trainer.state, trainer.state.params
    if trainer.plan.patience is not None and trainer.state.best_held_out_loss is not None:
        estimator.params = trainer.best_params or from_first(group, lambda: _best_of(trainer)) or estimator.params


def _best_of(trainer: Trainer) -> Parameters | None:
    """Best parameters of the earlier run that this one continued."""
    if trainer.folder is None or not RunFolder(trainer.folder).best.exists():
        return None
    arrays, _ = load_checkpoint(RunFolder(trainer.folder).best)
    return tree_map(trainer.backend.asarray, checked_params(arrays, trainer.model))  # type: ignore[no-any-return]
