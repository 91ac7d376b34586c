"""The optimizers against torch.optim, and what keeps a pure update pure."""

import json

import array_api_compat
import numpy as np
import pytest

from portnn.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop, as_optimizer, optimizer

SHAPES = {"weight": (7, 5), "bias": (5,), "gates": (4, 3, 2), "scale": ()}
STEPS = 20
UNTOUCHED = 2  # the first so many entries of "bias" never have a gradient

CHOICES = [
    SGD(),
    SGD(weight_decay=0.1),
    SGD(momentum=0.9),
    SGD(momentum=0.5, weight_decay=0.1),
    SGD(momentum=0.9, nesterov=True),
    SGD(momentum=0.9, nesterov=True, weight_decay=0.1),
    Adagrad(),
    Adagrad(eps=0.1, weight_decay=0.1),
    RMSprop(),
    RMSprop(decay=0.5, eps=0.1, weight_decay=0.1),
    RMSprop(decay=0.0),
    Adam(),
    Adam(beta1=0.5, beta2=0.9, eps=0.1),
    Adam(beta1=0.0, beta2=0.0),
    Adam(weight_decay=0.1),
    AdamW(),
    AdamW(beta1=0.5, beta2=0.9, eps=0.1, weight_decay=0.5),
    AdamW(weight_decay=0.0),
]
each_choice = pytest.mark.parametrize("chosen", CHOICES, ids=str)


def training():
    """Parameters, and a gradient and a learning rate for every step, on the host."""
    rng = np.random.default_rng(7)
    params = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
    steps = []
    for step in range(STEPS):
        # Gradients of many magnitudes, so that eps and the squares matter in some entries.
        grads = {
            name: np.asarray(rng.standard_normal(shape) * 10.0 ** rng.integers(-3, 2, shape))
            for name, shape in SHAPES.items()
        }
        grads["bias"][:UNTOUCHED] = 0.0
        steps.append((grads, 0.1 / (1 + step % 4)))
    return params, steps


class Host:
    """NumPy in place of a backend, for the exact path beside one in float32."""

    xp = np
    asarray = to_host = staticmethod(np.asarray)


def run(chosen, backend, dtype="float64"):
    """Train on the backend; parameters on the host after every step, and the last state."""
    xp = backend.xp

    def moved(array):
        return xp.astype(backend.asarray(np.asarray(array)), getattr(xp, dtype))

    params, steps = training()
    params = {name: moved(param) for name, param in params.items()}
    state = chosen.init(params, xp=xp)
    history = []
    for step, (grads, rate) in enumerate(steps, start=1):
        grads = {name: moved(grad) for name, grad in grads.items()}
        params, state = chosen.update(params, grads, state, learning_rate=moved(rate), step=moved(float(step)), xp=xp)
        history.append({name: np.array(backend.to_host(param)) for name, param in params.items()})
    return history, params, state


def torch_optimizer(chosen, tensors):
    import torch

    decay = {"weight_decay": chosen.weight_decay}
    match chosen:
        case SGD():
            return torch.optim.SGD(tensors, lr=1.0, momentum=chosen.momentum, nesterov=chosen.nesterov, **decay)
        case Adagrad():
            return torch.optim.Adagrad(tensors, lr=1.0, eps=chosen.eps, **decay)
        case RMSprop():
            return torch.optim.RMSprop(tensors, lr=1.0, alpha=chosen.decay, eps=chosen.eps, **decay)
        case AdamW():
            kind = torch.optim.AdamW
        case Adam():
            kind = torch.optim.Adam
    return kind(tensors, lr=1.0, betas=(chosen.beta1, chosen.beta2), eps=chosen.eps, **decay)


@pytest.mark.torch_oracle
@each_choice
def test_same_path_as_torch(chosen, backend):
    import torch

    history, _, _ = run(chosen, backend)
    params, steps = training()
    tensors = {name: torch.tensor(param, dtype=torch.float64) for name, param in params.items()}
    theirs = torch_optimizer(chosen, list(tensors.values()))
    for ours, (grads, rate) in zip(history, steps, strict=True):
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[name], dtype=torch.float64)
        theirs.param_groups[0]["lr"] = rate
        theirs.step()
        for name, tensor in tensors.items():
            np.testing.assert_allclose(ours[name], tensor.numpy(), rtol=1e-10, atol=1e-13, err_msg=name)


@each_choice
def test_float32_stays_float32_on_the_same_path(chosen, backend):
    xp = backend.xp
    history, params, state = run(chosen, backend, dtype="float32")
    for arrays in (params, *state.values()):
        assert all(array.dtype == xp.float32 for array in arrays.values())
    for name, exact in run(chosen, Host)[0][-1].items():
        np.testing.assert_allclose(history[-1][name], exact, rtol=2e-4, atol=2e-5, err_msg=name)
    # An entry without a gradient stays where it was, unless it decays.
    before = training()[0]["bias"][:UNTOUCHED].astype(np.float32)
    assert np.array_equal(before, history[-1]["bias"][:UNTOUCHED]) == (chosen.weight_decay == 0.0)


@pytest.mark.parametrize("kind", [Adam, AdamW])
@pytest.mark.parametrize("beta2", [0.999, 0.99999])
def test_first_step_of_adam_is_the_learning_rate_in_float32(kind, beta2, backend):
    # Whatever the size of the gradient. With 1 - beta2**step in float32 it would be off by 1e-5 or 1e-3.
    xp = backend.xp
    rate, step, param, grad = (
        xp.astype(backend.asarray(np.asarray(value)), xp.float32)
        for value in (1.0, 1.0, np.zeros(4), np.asarray([3.0, -0.5, 40.0, -1e-2]))
    )
    chosen, params = kind(beta2=beta2, weight_decay=0.0), {"w": param}
    state = chosen.init(params, xp=xp)
    params, _ = chosen.update(params, {"w": grad}, state, learning_rate=rate, step=step, xp=xp)
    np.testing.assert_allclose(backend.to_host(params["w"]), [-1.0, 1.0, -1.0, 1.0], rtol=3e-6)


@each_choice
def test_arguments_are_left_alone(chosen, backend):
    xp = backend.xp
    host, steps = training()
    params = {name: backend.asarray(array) for name, array in host.items()}
    grads = {name: backend.asarray(array) for name, array in steps[0][0].items()}
    state = {
        slot: {name: backend.asarray(np.abs(grad) + 1.0) for name, grad in steps[1][0].items()} for slot in chosen.slots
    }
    rate, step = backend.asarray(np.asarray(0.1)), backend.asarray(np.asarray(3.0))
    groups = [params, grads, *state.values(), {"rate": rate, "step": step}]
    before = [{name: np.array(backend.to_host(array)) for name, array in group.items()} for group in groups]
    for group in groups:
        for array in group.values():
            if isinstance(array, np.ndarray):
                array.setflags(write=False)

    new_params, new_state = chosen.update(params, grads, state, learning_rate=rate, step=step, xp=xp)

    for group, old in zip(groups, before, strict=True):
        assert group.keys() == old.keys()
        for name, array in group.items():
            assert np.array_equal(backend.to_host(array), old[name]), name
    # Nor may a result be one of the arguments: what is written to it later would show in both.
    given = [array for group in groups for array in group.values()]
    for group in (new_params, *new_state.values()):
        assert list(group) == list(params)
        assert not any(new is old for new in group.values() for old in given)


@each_choice
def test_compiles_where_the_library_can(chosen, backend):
    xp = backend.xp
    host, steps = training()
    params = {name: backend.asarray(array) for name, array in host.items()}
    grads = {name: backend.asarray(array) for name, array in steps[0][0].items()}
    state = chosen.init(params, xp=xp)
    rate, step = backend.asarray(np.asarray(0.1)), backend.asarray(np.asarray(1.0))

    def update(params, grads, state, rate, step):
        return chosen.update(params, grads, state, learning_rate=rate, step=step, xp=xp)

    compiled = update
    if array_api_compat.is_jax_namespace(xp):
        import jax

        compiled = jax.jit(update)
    once = compiled(params, grads, state, rate, step)[0]
    again = update(params, grads, state, rate, step)[0]
    for name in SHAPES:
        np.testing.assert_allclose(backend.to_host(once[name]), backend.to_host(again[name]), rtol=1e-12)


def test_state_starts_at_zero(backend):
    params = {"w": backend.asarray(np.ones((2, 3)))}
    assert SGD().init(params, xp=backend.xp) == {}
    state = Adam().init(params, xp=backend.xp)
    assert sorted(state) == ["mean", "square"]
    for arrays in state.values():
        assert np.array_equal(backend.to_host(arrays["w"]), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("replace", "error", "message"),
    [
        ({"grads": {}}, ValueError, r"adagrad: grads and params differ in the names \['w'\]"),
        ({"grads": {"w": (3, 2)}}, ValueError, r"grads\['w'\] has shape \(3, 2\), its parameter \(2, 3\)"),
        ({"state": {}}, ValueError, r"adagrad: the state has \[\], expected \['sum'\]"),
        ({"state": {"sum": {"v": (2, 3)}}}, ValueError, r"sum and params differ in the names \['v', 'w'\]"),
        ({"learning_rate": (1,)}, TypeError, r"learning_rate must be an array of shape \(\)"),
        ({"learning_rate": 0.1}, TypeError, r"learning_rate must be an array of shape \(\)"),
        ({"step": 1}, TypeError, r"step must be an array of shape \(\)"),
    ],
)
def test_arguments_that_do_not_fit(replace, error, message, backend):
    def made(value):
        if isinstance(value, dict):
            return {name: made(inner) for name, inner in value.items()}
        return backend.asarray(np.ones(value)) if isinstance(value, tuple) else value

    shapes = {
        "params": {"w": (2, 3)},
        "grads": {"w": (2, 3)},
        "state": {"sum": {"w": (2, 3)}},
        "learning_rate": (),
        "step": (),
    }
    arguments = made({**shapes, **replace})
    with pytest.raises(error, match=message):
        Adagrad().update(**arguments, xp=backend.xp)


@pytest.mark.parametrize("wide", ["grads", "state", "learning_rate", "step"])
def test_a_wider_dtype_is_refused(wide, backend):
    # NumPy would promote the float32 parameters to float64 without a word.
    xp = backend.xp

    def made(name, shape):
        dtype = xp.float64 if name == wide else xp.float32
        return xp.astype(backend.asarray(np.ones(shape)), dtype)

    with pytest.raises(TypeError, match="float64"):
        RMSprop().update(
            {"w": made("params", (2,))},
            {"w": made("grads", (2,))},
            {"square": {"w": made("state", (2,))}},
            learning_rate=made("learning_rate", ()),
            step=made("step", ()),
            xp=xp,
        )


@pytest.mark.host
@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"])
def test_json_gives_an_equal_optimizer(name):
    chosen = optimizer(name, weight_decay=0.25)
    record = json.loads(json.dumps(chosen.to_json()))
    assert optimizer(**record) == chosen
    assert optimizer(**record).weight_decay == 0.25


@pytest.mark.host
def test_lookup():
    assert optimizer("momentum") == SGD(momentum=0.9)
    assert optimizer("nesterov", momentum=0.5) == SGD(momentum=0.5, nesterov=True)
    assert optimizer("adamw") == AdamW(weight_decay=1e-2)
    assert Adam() != AdamW(weight_decay=0.0)
    with pytest.raises(ValueError, match=r"unknown optimizer 'adm'; known: sgd, momentum, nesterov, adagrad"):
        optimizer("adm")
    with pytest.raises(ValueError, match=r"rmsprop: unknown option 'beta1'; known: .*decay"):
        optimizer("rmsprop", beta1=0.9)


@pytest.mark.host
@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (Adam, {"beta1": 1.5}, r"adam: beta1 must be in \[0, 1\), got 1.5"),
        (Adam, {"beta2": 1.0}, r"adam: beta2 must be in \[0, 1\), got 1"),
        (Adam, {"beta1": float("nan")}, r"adam: beta1 must be in \[0, 1\), got nan"),
        (Adam, {"eps": 0.0}, "adam: eps must be a positive number, got 0"),
        (Adagrad, {"eps": float("inf")}, "adagrad: eps must be a positive number, got inf"),
        (AdamW, {"weight_decay": -0.5}, "adamw: weight_decay must be 0 or a positive number, got -0.5"),
        (RMSprop, {"decay": -0.1}, r"rmsprop: decay must be in \[0, 1\), got -0.1"),
        (SGD, {"momentum": 1.0}, r"sgd: momentum must be in \[0, 1\), got 1"),
        (SGD, {"nesterov": True}, "sgd: nesterov needs a positive momentum, got 0"),
    ],
)
def test_options_out_of_range(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**options)


@pytest.mark.host
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"momentum": "0.9"}, TypeError),
        ({"momentum": True}, TypeError),
        ({"nesterov": 2}, ValueError),
        ({"nesterov": "yes"}, ValueError),
        ({"nesterov": None}, ValueError),
    ],
)
def test_options_of_the_wrong_type(options, error):
    with pytest.raises(error, match=f"^sgd: {next(iter(options))} must be"):
        SGD(**options)


@pytest.mark.host
def test_numpy_scalars_become_plain_numbers():
    assert type(SGD(momentum=np.float64(0.9)).momentum) is float
    assert type(SGD(weight_decay=0).weight_decay) is float
    assert SGD(momentum=0.9, nesterov=np.True_).nesterov is True
    assert SGD(momentum=0.9, nesterov=1).nesterov is True


@pytest.mark.host
def test_an_optimizer_by_name_by_record_or_itself():
    chosen = optimizer("nesterov", weight_decay=0.25)
    assert as_optimizer(chosen) is chosen
    assert as_optimizer(chosen.to_json()) == chosen
    assert as_optimizer("momentum") == SGD(momentum=0.9)
    with pytest.raises(ValueError, match="unknown optimizer 'adm'"):
        as_optimizer("adm")
