"""Training: the one loop, its callbacks, metrics, checkpoints and resume."""

from portnn.training.callbacks import Callback, StepEvent
from portnn.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from portnn.training.divergence import DivergenceError, DivergenceWatch
from portnn.training.interruption import Interrupted, StopRequests
from portnn.training.loop import BatchSource, Plan, Progressed, Trainer, make_folder
from portnn.training.metrics import Metrics, MetricsFile, read_metrics
from portnn.training.progress import Progress, StopWatch
from portnn.training.step import Step, StepResult, make_step
from portnn.training.streams import ChunkStreams

__all__ = [
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
    "Step",
    "StepEvent",
    "StepResult",
    "StopRequests",
    "StopWatch",
    "Trainer",
    "load_checkpoint",
    "make_folder",
    "make_step",
    "read_metrics",
    "save_checkpoint",
]
