"""What word2vec is made of, in forward/backward pairs."""
