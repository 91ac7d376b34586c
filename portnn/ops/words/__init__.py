"""Building blocks of word2vec, in forward/backward pairs."""
