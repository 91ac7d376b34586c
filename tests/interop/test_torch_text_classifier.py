"""Text classifiers of PyTorch: the same logits and gradients, and the same weights back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import portnn
from portnn.backends import tree_map
from portnn.models import SequenceBatch

from .torch_texts import TEXTS, WORDS, logits, modules, padded_ids

TOLERANCE = 1e-12
CELLS = ["RNN", "GRU", "LSTM"]


@pytest.fixture
def torch():
    import torch

    torch.manual_seed(0)
    return torch


def expected(torch, network, **more):
    with torch.no_grad():
        return logits(torch, network, *padded_ids(torch), **more).numpy()


@pytest.mark.torch_oracle
@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("layers", "embedded"), [(1, True), (1, False), (3, True)])
def test_the_same_logits(torch, kind, both, layers, embedded, backend):
    network = modules(torch, kind, layers=layers, both=both, embedded=embedded)
    model = portnn.text_classifier_from_torch(network, WORDS, backend=backend)
    assert model.backend is backend
    assert_allclose(model.outputs(TEXTS), expected(torch, network), rtol=0, atol=TOLERANCE)
    assert model.unknown_words(TEXTS) == ["what", "a"]


@pytest.mark.torch_oracle
@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("both", [False, True])
def test_the_same_logits_from_all_steps(torch, pooling, both, backend):
    network = modules(torch, both=both)
    model = portnn.text_classifier_from_torch(network, WORDS, pooling=pooling, backend=backend)
    assert_allclose(model.outputs(TEXTS), expected(torch, network, pooling=pooling), rtol=0, atol=TOLERANCE)


@pytest.mark.torch_oracle
@pytest.mark.host
@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("embedded", [False, True])
def test_weights_come_back_as_they_were(torch, kind, both, embedded):
    options = {"layers": 2, "both": both, "embedded": embedded}
    network, other = modules(torch, kind, **options), modules(torch, kind, **options)
    model = portnn.text_classifier_from_torch(network, WORDS)
    portnn.text_classifier_to_torch(model, other)
    state = network.state_dict()
    assert state.keys() == other.state_dict().keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in other.state_dict().items())
    again = portnn.text_classifier_from_torch(other, WORDS)
    assert all(np.array_equal(array, model.params[name]) for name, array in again.params.items())


@pytest.mark.torch_oracle
@pytest.mark.host
def test_a_trained_model_goes_to_a_network_and_back(torch, tmp_path):
    model = portnn.TextClassifier("gru", 7, 4, bidirectional=True, level="space", dtype="float64")
    model.fit(TEXTS, ["+", "-"] * 3, epochs=2, progress=False)
    words = list(model.vocabulary.words)
    network = modules(torch, "GRU", both=True, outputs=2, rows=len(words) + 1)
    portnn.text_classifier_to_torch(model, network)
    with torch.no_grad():
        assert_allclose(
            logits(torch, network, *padded_ids(torch, words=words)).numpy(), model.outputs(TEXTS), atol=TOLERANCE
        )
    back = portnn.text_classifier_from_torch(network, words, classes=["+", "-"], level="space")
    back.save(tmp_path / "model.safetensors")
    loaded = portnn.load(tmp_path / "model.safetensors")
    assert np.array_equal(loaded.outputs(TEXTS), model.outputs(TEXTS))
    assert loaded.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()


@pytest.mark.torch_oracle
@pytest.mark.host
def test_it_can_be_trained_further_and_leaves_the_network_alone(torch):
    network = modules(torch, outputs=2)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    model = portnn.text_classifier_from_torch(network, WORDS, classes=["no", "yes"])
    texts, labels = ["good", "not good", "bad", "not bad"] * 4, ["yes", "no", "no", "yes"] * 4
    model.fit(texts, labels, epochs=60, batch_size=4, learning_rate=0.02, progress=False)
    assert model.score(texts, labels) == 1.0
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.torch_oracle
@pytest.mark.host
@pytest.mark.parametrize("embedded", [False, True])
def test_the_unknown_word_may_be_one_of_the_words_or_none(torch, embedded):
    named = ["<pad>", "<unk>", *WORDS]
    network = modules(torch, embedded=embedded, rows=len(named))
    model = portnn.text_classifier_from_torch(network, named, unknown="<unk>")
    ids, lengths = padded_ids(torch, words=named, unknown=1)
    with torch.no_grad():
        assert_allclose(model.outputs(TEXTS), logits(torch, network, ids, lengths).numpy(), atol=TOLERANCE)
    other = modules(torch, embedded=embedded, rows=len(named))
    portnn.text_classifier_to_torch(model, other, named)
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in other.state_dict().items())
    without = portnn.text_classifier_from_torch(network, named)
    first = "embedding.weight" if embedded else "layers.0.weight_ih"
    assert not without.params[first][-1].any()


@pytest.mark.torch_oracle
@pytest.mark.host
def test_the_row_of_padding_stays(torch):
    named = ["<pad>", *WORDS]
    network = modules(torch, rows=len(named) + 1)
    embedding = torch.nn.Embedding(len(named) + 1, 4, padding_idx=0).double()
    model = portnn.text_classifier_from_torch(network, [*WORDS, "more"])
    portnn.text_classifier_to_torch(model, [embedding, network[1], network[2]], named)
    assert not embedding.weight[0].any()
    assert torch.equal(embedding.weight[1:-1], network[0].weight[:5])
    assert torch.equal(embedding.weight[-1], network[0].weight[-1])


@pytest.mark.torch_oracle
@pytest.mark.host
def test_a_single_logit_is_that_of_the_second_class(torch):
    network, other = modules(torch, outputs=1), modules(torch, outputs=1)
    model = portnn.text_classifier_from_torch(network, WORDS, classes=["no", "yes"])
    probabilities = 1.0 / (1.0 + np.exp(-expected(torch, network)))
    assert_allclose(model.predict_proba(TEXTS)[:, 1:], probabilities, rtol=TOLERANCE)
    assert set(model.predict(TEXTS).tolist()) <= {"no", "yes"}
    portnn.text_classifier_to_torch(model, other)
    assert_allclose(expected(torch, other), expected(torch, network), rtol=0, atol=TOLERANCE)


@pytest.mark.torch_oracle
@pytest.mark.host
def test_several_labels_and_no_biases(torch):
    network = modules(torch, "GRU", layers=2, both=True, bias=False)
    network[2].bias = None
    model = portnn.text_classifier_from_torch(network, WORDS, multi_label=True)
    probabilities = 1.0 / (1.0 + np.exp(-expected(torch, network)))
    assert_allclose(model.predict_proba(TEXTS), probabilities, rtol=TOLERANCE)
    assert model.predict(TEXTS).tolist() == (probabilities > 0.5).astype(int).tolist()
    named = portnn.text_classifier_from_torch(network, WORDS, multi_label=True, classes=["a", "b", "c"])
    assert named.predict(TEXTS)[0] == tuple(np.asarray(["a", "b", "c"])[probabilities[0] > 0.5].tolist())
    other = modules(torch, "GRU", layers=2, both=True, bias=False)
    other[2].bias = None
    portnn.text_classifier_to_torch(model, other)
    assert np.array_equal(expected(torch, other), expected(torch, network))
    biased = portnn.text_classifier_from_torch(modules(torch, "GRU", layers=2, both=True), WORDS)
    weight = other[0].weight.clone()
    with pytest.raises(ValueError, match=r"the network has no recurrent\.bias_ih_l0, but the model's is not 0"):
        portnn.text_classifier_to_torch(biased, other)
    assert torch.equal(other[0].weight, weight), "it was written to before it was refused"


@pytest.mark.torch_oracle
@pytest.mark.host
def test_any_module_with_these_parts_and_its_dtype(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.dropout = torch.nn.Embedding(6, 4), torch.nn.Dropout(0.5)
            self.lstm, self.fc = torch.nn.LSTM(4, 7, batch_first=True), torch.nn.Linear(7, 2)

    network = Net()
    model = portnn.text_classifier_from_torch(network, WORDS)
    assert model.backend.dtype == "float32"
    assert portnn.text_classifier_from_torch(network, WORDS, dtype="float64").backend.dtype == "float64"
    other = Net().double()
    portnn.text_classifier_to_torch(model, other)
    assert other.fc.weight.dtype == torch.float64
    assert torch.equal(other.fc.weight, network.fc.weight.double())


@pytest.mark.torch_oracle
@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("pooling", "embedded"), [("last", True), ("mean", True), ("max", True), ("last", False)])
def test_the_same_gradients(torch, kind, both, pooling, embedded, backend):
    network = modules(torch, kind, layers=2, both=both, embedded=embedded)
    classifier = portnn.text_classifier_from_torch(network, WORDS, pooling=pooling, backend=backend)
    ids, lengths = padded_ids(torch)
    targets = torch.tensor([0, 1, 2, 2, 1, 0])
    loss = torch.nn.functional.cross_entropy(logits(torch, network, ids, lengths, pooling), targets)
    loss.backward()
    host = SequenceBatch(ids.numpy().T.copy(), lengths.numpy(), targets.numpy())
    model, xp = classifier.model, backend.xp
    found, _, cache = model.loss(classifier.params, tree_map(backend.asarray, host), xp=xp)
    assert_allclose(float(found), loss.item(), rtol=TOLERANCE)
    grads = model.gradients(cache, xp=xp)
    stepped = portnn.text_classifier_from_torch(network, WORDS, pooling=pooling, backend=backend)
    stepped.params = {name: _dense(grads[name], array, backend) for name, array in classifier.params.items()}
    ours = modules(torch, kind, layers=2, both=both, embedded=embedded)
    portnn.text_classifier_to_torch(stepped, ours)  # gradients lie in PyTorch's layout as weights do
    for (name, array), parameter in zip(ours.named_parameters(), network.parameters(), strict=True):
        wanted = parameter.grad.numpy()
        size = np.max(np.abs(wanted))
        assert size > 1e-6
        assert_allclose(array.detach().numpy(), wanted, rtol=1e-10, atol=1e-12 * size, err_msg=name)


def _dense(grad, like, backend):
    """Gradient as an array of its parameter's shape."""
    if not isinstance(grad, tuple):
        return grad
    table = np.zeros(tuple(like.shape))
    np.add.at(table, np.asarray(backend.to_host(grad.ids)), np.asarray(backend.to_host(grad.rows)))
    return backend.asarray(table)


@pytest.mark.torch_oracle
@pytest.mark.host
def test_messages_for_recurrent_networks(torch):
    nn = torch.nn
    embedding, lstm, linear = modules(torch)
    known = "known: Embedding, RNN, GRU, LSTM, Linear, Dropout"
    for parts, message in (
        ((embedding, lstm, nn.ReLU(), linear), f"module 2 is ReLU; {known}"),
        ((lstm,), "expected one RNN, GRU or LSTM, one Linear and at most one Embedding, got LSTM"),
        ((), "one Linear and at most one Embedding, got none"),
        ((embedding, lstm, linear, linear), "got Embedding, LSTM, Linear, Linear"),
        ((nn.Embedding(6, 5), lstm, linear), "the Embedding has 5 entries, but the LSTM reads 4"),
        ((embedding, lstm, nn.Linear(14, 2)), "the Linear reads 14 features, but the LSTM has 7"),
        ((nn.RNN(6, 7, nonlinearity="relu"), linear), "module 0 has nonlinearity relu; portnn has only tanh"),
        ((nn.LSTM(6, 7, proj_size=3), linear), "module 0 has proj_size 3; portnn has only 0"),
        ((nn.Embedding(6, 4, max_norm=1.0), lstm, linear), "module 0 has max_norm 1.0; portnn has only None"),
    ):
        with pytest.raises(ValueError, match=message):
            portnn.text_classifier_from_torch(parts, WORDS)
    network = (embedding, lstm, linear)
    for words, options, message in (
        (WORDS[:4], {}, "the network has 6 rows for 4 words; expected 4, or one more"),
        ([*WORDS, "a", "b"], {}, "the network has 6 rows for 7 words; expected 7, or one more"),
        (WORDS, {"unknown": "good"}, "6 rows for 5 words, among them the one for unknown words"),
        (WORDS, {"unknown": "<unk>"}, "unknown is '<unk>', which is none of the words"),
        ([*WORDS[:4], "good"], {}, "vocabulary: word 'good' occurs more than once"),
        (WORDS, {"classes": ["a", "b"]}, "2 class labels, but the network has 3 outputs"),
        (WORDS, {"classes": ["c", "b", "a"]}, "classes must be in ascending order"),
    ):
        with pytest.raises(ValueError, match=message):
            portnn.text_classifier_from_torch(network, words, **options)
    with pytest.raises(TypeError, match="each of the words must be a str, got int 4"):
        portnn.text_classifier_from_torch(network, [*WORDS[:4], 4])
    with pytest.raises(TypeError, match=r"network is int, expected a torch.nn.Module or a sequence of modules"):
        portnn.text_classifier_from_torch(3, WORDS)


@pytest.mark.torch_oracle
@pytest.mark.host
def test_messages_for_networks_of_other_sizes(torch):
    model = portnn.text_classifier_from_torch(modules(torch), WORDS)
    for network, message in (
        (modules(torch, "GRU"), "the network has cell gru, but the model has lstm"),
        (modules(torch, both=True), "the network has bidirectional True, but the model has False"),
        (modules(torch, layers=2), "the network has num_layers 2, but the model has 1"),
        (modules(torch, embedded=False), "the network has embedding_size None, but the model has 4"),
        (modules(torch, rows=9), "the network has 9 rows for 5 words; expected 5, or one more"),
        (modules(torch, outputs=2), r"output.weight has shape \(2, 7\), but the model's is \(3, 7\)"),
    ):
        with pytest.raises(ValueError, match=message):
            portnn.text_classifier_to_torch(model, network)
    with pytest.raises(ValueError, match="has not been fitted"):
        portnn.text_classifier_to_torch(portnn.TextClassifier(), modules(torch))
