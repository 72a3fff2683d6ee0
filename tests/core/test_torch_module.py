"""On torch a layer or model is a `torch.nn.Module` to whoever asks."""

import numpy as np
import pytest
import torch
from torch import nn

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

X = torch.linspace(0, 1, 32).reshape(8, 4)


@pytest.fixture(autouse=True)
def _on_torch():
    with interpreter(backends.load("torch")):
        yield


def make():
    parts = [
        layers.Dense(3, name="a"),
        layers.BatchNormalization(name="n"),
        layers.Dropout(0.5),
        layers.Dense(1, name="b"),
    ]
    return lamina.Sequential([lamina.Input((4,)), *parts])


def test_parameters_and_buffers():
    model = make()
    assert isinstance(model, nn.Module)
    assert isinstance(model.layers[0], nn.Module)
    names = ["a.kernel", "a.bias", "n.gamma", "n.beta", "b.kernel", "b.bias"]
    assert [name for name, _ in model.named_parameters()] == names
    assert [name for name, _ in model.named_buffers()] == ["n.moving_mean", "n.moving_variance"]
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in model.parameters())
    assert [name for name, _ in model.named_children()] == [layer.name for layer in model._layers]
    model.layers[0].trainable = False
    assert len([p for p in model.parameters() if p.requires_grad]) == 4


def test_optimizer_of_torch_trains():
    lamina.utils.set_random_seed(0)
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        loss = ((model(X) - 1) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert np.allclose(model.predict(X.numpy(), verbose=0), model(X).detach().numpy(), atol=1e-6)


def test_state_dict():
    model, other = make(), make()
    other.load_state_dict(model.state_dict())
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))
    with pytest.raises(RuntimeError, match="Missing key"):
        other.load_state_dict({})


def test_train_and_eval():
    model = make()
    plain = model(X)
    model.train()
    assert not torch.equal(model(X), model(X))  # dropout
    model.eval()
    assert torch.equal(model(X), model(X))
    assert not model.training
    assert not model.layers[0].training
    assert torch.equal(model(X, training=False), model(X))
    assert plain.shape == (8, 1)


def test_child_of_a_module():
    model = make()
    around = nn.Sequential(model, nn.Linear(1, 2))
    assert len(list(around.parameters())) == 8
    assert around(X).shape == (8, 2)
    assert "0.a.kernel" in around.state_dict()
    around.eval().to("cpu").zero_grad()


def test_hooks():
    model, seen = make(), []
    first = model.layers[0]
    handles = [
        first.register_forward_pre_hook(lambda layer, args: (args[0] * 0,)),
        first.register_forward_hook(lambda layer, args, output: (seen.append(layer), output + 7)[1]),
    ]
    assert torch.allclose(first(X), torch.full((8, 3), 7.0))
    assert torch.allclose(first(X), torch.full((8, 3), 7.0))
    assert seen == [first, first]
    for handle in handles:
        handle.remove()
    assert not torch.allclose(first(X), torch.full((8, 3), 7.0))
    with pytest.raises(NotImplementedError, match="a layer has `register_forward_hook`"):
        first.register_full_backward_hook(print)


def test_module_in_an_attribute_is_trained(tmp_path):
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
            self.scale = layers.Dense(1)

        def call(self, x):
            return self.scale(self.net(x))

    model = lamina.Sequential([Own()])
    model.compile("sgd", "mse")
    loss = model.fit(X.numpy(), X.numpy()[:, :1], epochs=3, verbose=0).history["loss"]
    assert loss[-1] < loss[0]
    assert len(model.trainable_weights) == 6 == len(list(model.parameters()))


def test_modules_in_containers_are_tracked():
    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [nn.Linear(4, 2), {"b": nn.Linear(2, 2)}]
            self.listed = nn.ModuleList([nn.Linear(2, 3)])

        def call(self, x):
            return self.listed[0](self.parts[1]["b"](self.parts[0](x)))

    layer = Own()
    assert layer(X).shape == (8, 3)
    assert len(layer.weights) == 6 == len(list(layer.parameters()))
    assert layer.parts[0].weight.shape == (2, 4)
    assert len(layer.listed) == 1 == len(list(layer.listed))
    assert layer(lamina.Input((4,))).shape == (None, 3)


def test_compiled_by_torch():
    model = make().eval()
    assert torch.allclose(torch.compile(model, backend="eager")(X), model(X), atol=1e-6)


def test_distributed(tmp_path):
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        model = make()
        nn.parallel.DistributedDataParallel(model)(X).mean().backward()
        assert all(p.grad is not None for p in model.parameters())
    finally:
        dist.destroy_process_group()


def test_errors_stay_ours():
    with pytest.raises(AttributeError, match="has no `input` yet: the shape of its input is not known"):
        _ = lamina.Sequential([layers.Dense(2)]).input
    with pytest.raises(AttributeError, match="'Dense' object has no attribute 'unitz'"):
        _ = layers.Dense(2).unitz
    with pytest.raises(NotImplementedError, match="use `add_weight`"):
        layers.Dense(2).register_parameter("w", nn.Parameter(X))


def test_other_backends_are_left_alone():
    with lamina.backend("numpy"):
        model = make()
        assert list(model.parameters()) == []
        assert model(X.numpy()).shape == (8, 1)
