"""Training: the one loop, its callbacks, metrics, checkpoints and resume."""

from portnn.training.alias import AliasTable
from portnn.training.batch_source import BatchSource
from portnn.training.callbacks import Callback, StepEvent
from portnn.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from portnn.training.divergence import DivergenceError, DivergenceWatch
from portnn.training.folder import RunFolder
from portnn.training.interruption import Interrupted, StopRequests
from portnn.training.loop import Trainer
from portnn.training.metrics import Metrics, MetricsFile, read_metrics
from portnn.training.packing import pack, unpack
from portnn.training.plan import Plan
from portnn.training.progress import Progress, Reading, StopWatch
from portnn.training.rows import RowBatches
from portnn.training.state import Progressed
from portnn.training.step import Step, StepResult, init_optimizer, make_step
from portnn.training.streams import ChunkStreams, check_integers, check_range
from portnn.training.windows import WindowBatches, chance_to_keep, steady_batch_size
from portnn.training.workers import WorkerError, Workers, automatic_workers, can_share, check_workers

__all__ = [
    "AliasTable",
    "BatchSource",
    "Callback",
    "CheckpointError",
    "ChunkStreams",
    "DivergenceError",
    "DivergenceWatch",
    "Interrupted",
    "Metrics",
    "MetricsFile",
    "Plan",
    "Progress",
    "Progressed",
    "Reading",
    "RowBatches",
    "RunFolder",
    "Step",
    "StepEvent",
    "StepResult",
    "StopRequests",
    "StopWatch",
    "Trainer",
    "WindowBatches",
    "WorkerError",
    "Workers",
    "automatic_workers",
    "can_share",
    "chance_to_keep",
    "check_integers",
    "check_range",
    "check_workers",
    "init_optimizer",
    "load_checkpoint",
    "make_step",
    "pack",
    "read_metrics",
    "save_checkpoint",
    "steady_batch_size",
    "unpack",
]
