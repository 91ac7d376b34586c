"""Elementwise functions, and the softmax, in forward/backward pairs."""
