"""Train a character RNN in Python, sample from it, evaluate it, and save it.

python examples/char_rnn.py [STEPS]
"""

import sys
import tempfile
from pathlib import Path

import portnn
from portnn.datasets import python_documentation

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
text = python_documentation()

model = portnn.CharRNN(cell="gru", hidden_size=128, seed=1)  # backend="cupy" trains on a GPU
model.fit(text, steps=steps, batch_size=32, seq_length=64, learning_rate=5e-3)

print(model.sample(300, prime="The ", temperature=0.7))
print(model.evaluate("The with statement is used to wrap the execution of a block."))

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "model.safetensors"
    model.save(path)
    again = portnn.load(path)  # works on any machine: the file names no device
    assert again.sample(50, seed=3) == model.sample(50, seed=3)
