"""A layer as a `torch.nn.Module`: what torch's own programs ask of one, answered from the layer's variables.

`_parameters`, `_buffers` and `_modules` are what all methods of `Module` stand on. Here they are made when asked for: a
variable's storage is a Parameter, so optimizers, `load_state_dict` and `to` work on the very tensors.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from lamina.kernel.context import real_kernel, state
from lamina.kernel.guests import Guest, offer
from lamina.kernel.plugins import module_layer


class LayerModule(nn.Module):
    """The last base of `Layer` while torch is loaded. Its constructor never runs; what that would set is below."""

    training = True
    call_super_init = False
    _is_full_backward_hook = None
    _compiled_call_impl = None
    _state_dict_hooks = _state_dict_pre_hooks = OrderedDict()
    _load_state_dict_pre_hooks = _load_state_dict_post_hooks = OrderedDict()
    _backward_hooks = _backward_pre_hooks = OrderedDict()
    _forward_hooks = _forward_pre_hooks = OrderedDict()
    _non_persistent_buffers_set: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        found = next((c.__dict__[name] for c in type(self).__mro__ if name in c.__dict__), None)
        if found is not None and hasattr(type(found), "__get__"):
            return found.__get__(
                self, type(self)
            )  # it has raised an AttributeError of its own, which says more
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def _parameters(self) -> dict[str, Any]:
        return dict(_named(self, lambda v: v.trainable))

    @property
    def _buffers(self) -> dict[str, Any]:
        return dict(_named(self, lambda v: not v.trainable))

    @property
    def _modules(self) -> dict[str, Any]:
        return dict(_unique((layer.name, layer) for layer in self.__dict__.get("_layers", ())))

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The layer's call."""
        return self(*args, **kwargs)

    def train(self, mode: bool = True) -> Any:
        """Make calls from outside behave as in training, or not, where they do not say."""
        self.__dict__["training"] = bool(mode)
        _around(self).training = bool(mode)
        for child in self.children():
            child.train(mode)
        return self

    def register_forward_hook(self, hook: Any, **kwargs: Any) -> Any:
        """A function `(layer, args, output)` after each call; what it returns, if anything, is the output."""
        _refuse(kwargs)
        return _kept(_around(self).after, hook)

    def register_forward_pre_hook(self, hook: Any, **kwargs: Any) -> Any:
        """A function `(layer, args)` before each call; what it returns, if anything, are the arguments."""
        _refuse(kwargs)
        return _kept(_around(self).ahead, hook)

    def _no_hooks(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"Layer {self.path!r}: of torch's hooks a layer has `register_forward_hook` and `register_forward_pre_hook`. For "
            "gradients use `parameter.register_hook`."
        )

    register_full_backward_hook = register_backward_hook = register_full_backward_pre_hook = _no_hooks
    register_state_dict_pre_hook = register_load_state_dict_post_hook = register_load_state_dict_pre_hook = (
        _no_hooks
    )
    register_state_dict_post_hook = _register_state_dict_hook = _no_hooks

    def _no_parts(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            f"Layer {self.path!r}: parameters and modules of a layer are what it holds in attributes: use `add_weight`, or "
            "assign the layer or module to an attribute."
        )

    register_parameter = register_buffer = register_module = add_module = _no_parts


class Around:
    """What goes on around the calls of a layer: hooks, and the training flag that `train` and `eval` set."""

    def __init__(self) -> None:
        self.ahead: dict[int, Any] = OrderedDict()
        self.after: dict[int, Any] = OrderedDict()
        self.training: bool | None = None

    def before_call(self, layer: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """The arguments of the call."""
        for hook in tuple(self.ahead.values()):
            found = hook(layer, args)
            if found is not None:
                args = found if isinstance(found, tuple) else (found,)
        if self.training is not None and state.frame.training is None and kwargs.get("training") is None:
            kwargs = {**kwargs, "training": self.training}
        return args, kwargs

    def after_call(self, layer: Any, args: tuple, outputs: Any) -> Any:
        """The outputs of the call."""
        for hook in tuple(self.after.values()):
            found = hook(layer, args, outputs)
            outputs = outputs if found is None else found
        return outputs


def _around(layer: Any) -> Around:
    own = layer._layer_state
    if own.around is None:
        own.around = Around()
        own.plain.clear()
    return own.around


def _kept(hooks: dict[int, Any], hook: Any) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def _refuse(options: dict[str, Any]) -> None:
    if any(options.values()):
        raise NotImplementedError(f"Hooks of layers take no options, got {', '.join(options)}.")


def _named(layer: Any, wanted: Any) -> Iterator[tuple[str, Any]]:
    """The tensors of a layer's own variables by name, where torch is in force."""
    if "_variables" not in layer.__dict__ or real_kernel().name != "torch":
        return iter(())
    return _unique((v.name, v.handle) for v in layer._own_weights() if wanted(v))


def _unique(pairs: Any) -> Iterator[tuple[str, Any]]:
    used: dict[str, int] = {}
    for name, value in pairs:
        name = name.replace(".", "_")
        count = used[name] = used.get(name, -1) + 1
        yield (f"{name}_{count}" if count else name), value


def _as_layer(module: Any) -> Any:
    return module if isinstance(module, LayerModule) else module_layer(module)


offer(Guest(LayerModule, torch.nn.Module, _as_layer))
