"""Affine maps, row gathers and dropout in forward/backward pairs."""
