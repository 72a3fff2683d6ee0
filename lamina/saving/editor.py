"""KerasFileEditor: looking into a weights file, and changing what it holds."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from lamina.errors import suggestion
from lamina.saving import hdf5, members
from lamina.saving.atomic import writing
from lamina.saving.tree import places
from lamina.saving.weight_files import opened_source


class KerasFileEditor:
    """The weights of a `.weights.h5` or `.keras` file, to be looked at, changed and saved anew.

    Args:
        filepath: The file. It is read by the loader's rules and never written to.

    Raises:
        SerializationError: if the file breaks one of them.

    Example:
        >>> import tempfile, lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_weights(f"{folder}/old.weights.h5")
        ...     editor = lamina.saving.KerasFileEditor(f"{folder}/old.weights.h5")
        ...     editor.rename_object("layers/dense", "output")
        ...     editor.save(f"{folder}/new.weights.h5")
        >>> sorted(editor.weights_dict)
        ['layers/output']
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = pathlib.Path(filepath)
        self.metadata: Any = None
        self.config: Any = None
        if self.filepath.suffix == ".keras":
            with members.opened(self.filepath, self.filepath.name) as parts:
                self.config = parts.json("config.json")
                self.metadata = parts.json("metadata.json") if "metadata.json" in parts.namelist() else None
        self.weights_dict: dict[str, dict[str, np.ndarray]] = {}
        with opened_source(self.filepath) as source:
            for path, data in source.tensors.items():
                owner, _, name = path.rpartition("/")
                owner = owner.removesuffix("vars").rstrip("/")
                self.weights_dict.setdefault(owner, {})[name] = source.read(path, tuple(data.shape))

    def _find(self, name: str) -> str:
        """The path of an object by its path or, where only one has it, by its name."""
        name = name.strip("/")
        inner = {p for p in self.weights_dict if p.startswith(f"{name}/")}
        if name in self.weights_dict or inner:
            return name
        prefixes = {
            "/".join(p.split("/")[: i + 1]) for p in self.weights_dict for i in range(len(p.split("/")))
        }
        found = sorted(p for p in prefixes if p.rpartition("/")[2] == name)
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(f"Several objects are called {name!r}: give the path of one of {found}.")
        raise ValueError(f"The file has no object {name!r}.{suggestion(name, prefixes)}")

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Add an object with its weights.

        Args:
            object_path: Its path, such as "layers/dense_2".
            weights: Name ("0", "1", ...) -> array.

        Raises:
            ValueError: if it is there already, or no weights are given.
        """
        path = object_path.strip("/")
        if path in self.weights_dict:
            raise ValueError(
                f"The file has an object {path!r} already: use `add_weights`, or delete it first."
            )
        self.weights_dict[path] = _arrays(weights)

    def delete_object(self, object_name: str) -> None:
        """Take an object, and all that is inside it, out.

        Args:
            object_name: Its path, or its name where only one has it.
        """
        path = self._find(object_name)
        for p in [p for p in self.weights_dict if p == path or p.startswith(f"{path}/")]:
            del self.weights_dict[p]

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object another name; its place stays.

        Args:
            object_name: Its path, or its name where only one has it.
            new_name: The new last part of its path.

        Raises:
            ValueError: if that name is taken, or holds a slash.
        """
        path = self._find(object_name)
        if not new_name or "/" in new_name:
            raise ValueError(f"`new_name` is one part of a path, got {new_name!r}.")
        new = "/".join([*path.split("/")[:-1], new_name])
        if any(p == new or p.startswith(f"{new}/") for p in self.weights_dict):
            raise ValueError(f"The file has an object {new!r} already.")
        self.weights_dict = {
            new + p[len(path) :] if p == path or p.startswith(f"{path}/") else p: w
            for p, w in self.weights_dict.items()
        }

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Add weights to an object, or put others in their place.

        Args:
            object_name: Its path, or its name where only one has it.
            weights: Name -> array.
        """
        self.weights_dict.setdefault(self._find(object_name), {}).update(_arrays(weights))

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Take a weight out of an object.

        Args:
            object_name: Its path, or its name where only one has it.
            weight_name: The weight's name.

        Raises:
            ValueError: if there is no such weight.
        """
        path = self._find(object_name)
        held = self.weights_dict.get(path, {})
        if weight_name not in held:
            raise ValueError(f"{path!r} has no weight {weight_name!r}, only {sorted(held)}.")
        del held[weight_name]

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Compare with a model and print the differences.

        Args:
            reference_model: A built model.

        Returns:
            `status` ("success" or "error"), `error_count`, and `match_count` of the tensors that fit.
        """
        reference = {
            f"{p.path}/{i}": tuple(v.shape)
            for p in places(reference_model)
            if p.path.split("/")[0] != "optimizer"
            for i, v in enumerate(p.variables)
        }
        have = {f"{p}/{n}": w.shape for p, ws in self.weights_dict.items() for n, w in ws.items()}
        have = {p: s for p, s in have.items() if p.split("/")[0] != "optimizer"}
        lines = [f"- missing     {p}: the model wants {s}" for p, s in reference.items() if p not in have]
        lines += [f"+ unexpected  {p}: the file has {s}" for p, s in have.items() if p not in reference]
        lines += [
            f"! other shape {p}: the model wants {s}, the file has {have[p]}"
            for p, s in reference.items()
            if p in have and have[p] != s
        ]
        matches = sum(have.get(p) == s for p, s in reference.items())
        print("\n".join(lines) or f"The file fits the model: {matches} tensors.")
        return {"status": "error" if lines else "success", "error_count": len(lines), "match_count": matches}

    def summary(self) -> None:
        """Print the objects and weights."""
        print(f"Weights of {self.filepath.name!r}")
        for path, weights in sorted(self.weights_dict.items()):
            print(f"  {path or '(the model itself)'}")
            for name, value in sorted(weights.items(), key=lambda e: (len(e[0]), e[0])):
                print(f"    {name}: shape={value.shape}, dtype={value.dtype}")

    def save(self, filepath: Any) -> None:
        """Write the weights into a new `.weights.h5` file.

        Args:
            filepath: Its name ends in ".weights.h5".

        Raises:
            ValueError: if it ends in something else.
        """
        path = pathlib.Path(filepath)
        if not path.name.endswith(".weights.h5"):
            raise ValueError(f"The file name must end in '.weights.h5', got {path.name!r}.")
        with writing(path) as temporary, hdf5.created(temporary) as file:
            for owner, weights in self.weights_dict.items():
                group = file.require_group(f"{owner}/vars" if owner else "vars")
                for name, value in weights.items():
                    hdf5.write_tensor(group, name, value)

    def resave_weights(self, filepath: Any) -> None:
        """`save` under its old name."""
        self.save(filepath)


def _arrays(weights: Any) -> dict[str, np.ndarray]:
    if not isinstance(weights, dict) or not weights:
        raise ValueError(f"`weights` must be a dict of name -> array, got {weights!r:.80}.")
    out = {str(k): np.asarray(v) for k, v in weights.items()}
    wrong = [k for k, v in out.items() if v.dtype.kind not in "biufcV" or "/" in k]
    if wrong:
        raise ValueError(f"These are no names of numeric arrays: {wrong}.")
    return out
