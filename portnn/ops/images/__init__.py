"""Pictures (batch, height, width, channels): convolution, pooling and batch normalisation in forward/backward pairs."""
