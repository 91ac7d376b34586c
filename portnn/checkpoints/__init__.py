"""Checkpoints: arrays and facts in one file, for training runs and for vectors alike."""

from portnn.checkpoints.checkpoint import Arrays, CheckpointError, check_facts, load_checkpoint, save_checkpoint

__all__ = ["Arrays", "CheckpointError", "check_facts", "load_checkpoint", "save_checkpoint"]
