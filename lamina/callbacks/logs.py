"""Callbacks that pass the logs on: to a file, a server, functions, the terminal."""

from __future__ import annotations

import csv
import json
import os
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from lamina.callbacks.callback import Callback
from lamina.callbacks.progress import Progress
from lamina.errors import suggestion


class CSVLogger(Callback):
    """Writes the logs of every epoch into a table.

    Args:
        filename: The file.
        separator: What stands between columns.
        append: Whether to go on at the end of a file that is there.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.CSVLogger("log.csv")
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None
        self._begun = append  # whether rows go behind what the file holds

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin a table; the file is touched with the first row."""
        self.keys, self._begun = None, self.append

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write a row."""
        logs = logs or {}
        titled = self._begun and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        if self.keys is None:
            self.keys = sorted(logs)
            # as in Keras: an epoch to come may validate (`validation_freq`), and the columns are those of the first
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
        with open(self.filename, "a" if self._begun else "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.sep, lineterminator="\n")
            if not titled:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self._begun = True

    def state_dict(self) -> dict[str, Any]:
        """How far the file reaches, and its columns."""
        return {"keys": self.keys, "size": os.path.getsize(self.filename)} if self.keys is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the file stood: rows of epochs that are trained again are cut off."""
        if os.path.exists(self.filename) and os.path.getsize(self.filename) >= state["size"]:
            os.truncate(self.filename, state["size"])
            self.keys, self._begun = state["keys"], True


def _cell(value: Any) -> Any:
    if isinstance(value, np.ndarray | list | tuple) and np.ndim(value) > 0:
        return f'"[{", ".join(map(str, np.asarray(value).tolist()))}]"'
    return value


class LambdaCallback(Callback):
    """Hooks from functions.

    Args:
        on_epoch_begin, on_epoch_end: Functions of (epoch, logs).
        on_train_begin, on_train_end: Functions of (logs).
        on_train_batch_begin, on_train_batch_end: Functions of (batch, logs).
        **kwargs: Other hooks of `Callback` by name, and attributes of your own.

    Raises:
        TypeError: for a name that begins with "on_" and is no hook.

    Example:
        >>> import lamina
        >>> show = lamina.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_train_begin": on_train_begin,
            "on_train_end": on_train_end, "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end, **kwargs,
        }  # fmt: skip
        hooks = [name for name in dir(Callback) if name.startswith("on_")]
        for name, function in given.items():
            if name.startswith("on_") and name not in hooks:
                raise TypeError(f"LambdaCallback: there is no hook {name!r}.{suggestion(name, hooks)}")
            if function is not None:
                setattr(self, name, function)


class RemoteMonitor(Callback):
    """Sends the logs of every epoch to a server, as an HTTP POST.

    Args:
        root: The server, such as "http://localhost:9000".
        path: The path on it.
        field: The name of the form field that holds the logs as JSON.
        headers: More HTTP headers.
        send_as_json: Whether to send JSON itself, not a form.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.RemoteMonitor("http://localhost:9000", send_as_json=True)
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(
                f"The `root` of RemoteMonitor must begin with http:// or https://, got {root!r}."
            )
        self.root, self.path, self.field = root, path, field
        self.headers, self.send_as_json = headers, send_as_json

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Send the logs; a server that does not answer is a warning, no end of training."""
        text = json.dumps({"epoch": epoch, **{k: _plain(v) for k, v in (logs or {}).items()}})
        body = text if self.send_as_json else urllib.parse.urlencode({self.field: text})
        kind = "application/json" if self.send_as_json else "application/x-www-form-urlencoded"
        request = urllib.request.Request(
            self.root + self.path, body.encode(), {"Content-Type": kind, **(self.headers or {})}
        )
        try:
            with urllib.request.urlopen(request, timeout=10):
                pass
        except (urllib.error.URLError, OSError) as error:
            warnings.warn(f"RemoteMonitor could not reach {self.root}: {error}.", stacklevel=2)


def _plain(value: Any) -> Any:
    """A number of an array of one; of a longer one a list, where Keras fails."""
    if not hasattr(value, "dtype"):
        return value
    array = np.asarray(value)
    return array.item() if array.size == 1 else array.tolist()


class ProgbarLogger(Callback):
    """Shows the progress bar: for loops of your own; `fit` has its own bar, which this one replaces.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.ProgbarLogger()
    """

    def __init__(self) -> None:
        super().__init__()
        self._progress: Any = None
        self._step = 0

    @property
    def _verbose(self) -> int:
        return int((self.params or {}).get("verbose", 1))

    def _open(self, title: str) -> None:
        self._close({})
        self._step = 0
        self._progress = Progress((self.params or {}).get("steps"), self._verbose, title)

    def _advance(self, batch: int, logs: Any) -> None:
        self._step = batch + 1
        if self._progress is not None and self._progress.wants_numbers():
            self._progress.update(self._step, logs or {})

    def _close(self, logs: Any) -> None:
        if self._progress is not None:
            self._progress.finish(self._step, logs or {})
            self._progress = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Open a bar."""
        self._open(f"Epoch {epoch + 1}/{(self.params or {}).get('epochs', '?')}")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move it."""
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Close it with the epoch's logs."""
        self._close(logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Take away a bar that is still there."""
        self._close(logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Open a bar, outside training."""
        if self._progress is None:
            self._open("")
            self._testing = True

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move it."""
        if self.__dict__.get("_testing"):
            self._advance(batch, logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Close it."""
        if self.__dict__.pop("_testing", False):
            self._close(logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Open a bar."""
        self._open("")

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Move it."""
        self._advance(batch, None)

    def on_predict_end(self, logs: Any = None) -> None:
        """Close it."""
        self._close({})
