"""Training: the one loop, its callbacks, metrics, checkpoints and resume."""

from portnn.training.callbacks import Callback, StepEvent, as_callbacks
from portnn.training.divergence import DivergenceError, DivergenceWatch
from portnn.training.folder import RunFolder, checkpoint_at
from portnn.training.interruption import Interrupted, StopRequests
from portnn.training.loop import Trainer
from portnn.training.metrics import Metrics, MetricsFile, read_metrics
from portnn.training.packing import pack, unpack
from portnn.training.progress import Progress, Reading, SpeedMeter, StopWatch, say
from portnn.training.settings import MPI, LoopSettings, Plan, StepSettings, as_workers
from portnn.training.sharing import automatic_workers, can_share, check_workers
from portnn.training.state import RunState
from portnn.training.step import Step, StepResult, init_optimizer, make_step

__all__ = [
    "MPI",
    "Callback",
    "DivergenceError",
    "DivergenceWatch",
    "Interrupted",
    "LoopSettings",
    "Metrics",
    "MetricsFile",
    "Plan",
    "Progress",
    "Reading",
    "RunFolder",
    "RunState",
    "SpeedMeter",
    "Step",
    "StepEvent",
    "StepResult",
    "StepSettings",
    "StopRequests",
    "StopWatch",
    "Trainer",
    "as_callbacks",
    "as_workers",
    "automatic_workers",
    "can_share",
    "check_workers",
    "checkpoint_at",
    "init_optimizer",
    "make_step",
    "pack",
    "read_metrics",
    "say",
    "unpack",
]
