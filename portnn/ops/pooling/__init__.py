"""Pooling: one vector of the outputs of all time steps."""
