"""Losses in forward/backward pairs."""
