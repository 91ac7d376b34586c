"""Recurrent layers over whole sequences in forward/backward pairs."""
