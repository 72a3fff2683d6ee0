"""Settings of the process: the default float, epsilon, image layout, backend. The values live in `kernel.settings`."""

from __future__ import annotations

from typing import Any

from lamina import backends
from lamina.backends import cache, process
from lamina.core import policy as policies
from lamina.kernel import context
from lamina.kernel.context import state
from lamina.kernel.settings import SETTINGS
from lamina.kernel.settings import standardize_data_format as standardize_data_format
from lamina.kernel.tracebacks import folds_frames


def floatx() -> str:
    """The default float dtype, as a name.

    Returns:
        "float32" unless changed.

    Example:
        >>> import lamina
        >>> lamina.config.floatx()
        'float32'
    """
    return SETTINGS["floatx"]


@folds_frames
def set_floatx(value: str) -> None:
    """Set the default float dtype.

    Args:
        value: "bfloat16", "float16", "float32" or "float64".

    Raises:
        ValueError: for any other name.

    Example:
        >>> import lamina
        >>> lamina.config.set_floatx("float32")
    """
    accepted = ("bfloat16", "float16", "float32", "float64")
    if value not in accepted:
        raise ValueError(f"Unknown floatx: {value!r}. Use one of {', '.join(accepted)}.")
    SETTINGS["floatx"] = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite.

    Returns:
        1e-7 unless changed.

    Example:
        >>> import lamina
        >>> lamina.config.epsilon()
        1e-07
    """
    return SETTINGS["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the small number that keeps divisions and logarithms finite.

    Args:
        value: A positive number.

    Example:
        >>> import lamina
        >>> lamina.config.set_epsilon(1e-7)
    """
    SETTINGS["epsilon"] = value


def image_data_format() -> str:
    """Where images keep their channels.

    Returns:
        "channels_last" unless changed.

    Example:
        >>> import lamina
        >>> lamina.config.image_data_format()
        'channels_last'
    """
    return SETTINGS["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set where images keep their channels.

    Args:
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: for anything else.

    Example:
        >>> import lamina
        >>> lamina.config.set_image_data_format("channels_last")
    """
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"Unknown data format: {data_format!r}. Use 'channels_last' or 'channels_first'.")
    SETTINGS["image_data_format"] = data_format


def dtype_policy() -> Any:
    """The global dtype policy: what layers use that are given no `dtype`.

    Returns:
        A DTypePolicy.
    """
    from lamina.core import policy

    return policy.dtype_policy()


@folds_frames
def set_dtype_policy(policy: Any) -> None:
    """Set the global dtype policy.

    Args:
        policy: A DTypePolicy or its name.

    Raises:
        ValueError: if the name is unknown.
    """
    policies.set_dtype_policy(policy)


def enable_interactive_logging() -> None:
    """Show progress and messages on the terminal.

    Example:
        >>> import lamina
        >>> lamina.config.enable_interactive_logging()
        >>> lamina.config.is_interactive_logging_enabled()
        True
    """
    SETTINGS["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Send progress and messages to the `lamina` logger instead of the terminal.

    Example:
        >>> import lamina
        >>> lamina.config.disable_interactive_logging()
        >>> lamina.config.is_interactive_logging_enabled()
        False
        >>> lamina.config.enable_interactive_logging()
    """
    SETTINGS["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress and messages go to the terminal.

    Returns:
        True, unless it was disabled.

    Example:
        >>> import lamina
        >>> lamina.config.is_interactive_logging_enabled()
        True
    """
    return SETTINGS["interactive_logging"]


def enable_traceback_filtering() -> None:
    """Fold frames of Lamina and of frameworks out of tracebacks: the user's own lines stay (the default).

    Example:
        >>> import lamina
        >>> lamina.config.enable_traceback_filtering()
    """
    SETTINGS["traceback_filtering"] = True


def disable_traceback_filtering() -> None:
    """Show all frames in tracebacks, and the framework's own error where Lamina's stands for it.

    Example:
        >>> import lamina
        >>> lamina.config.disable_traceback_filtering()
        >>> lamina.config.is_traceback_filtering_enabled()
        False
        >>> lamina.config.enable_traceback_filtering()
    """
    SETTINGS["traceback_filtering"] = False


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks hold the user's own lines only.

    Returns:
        True, unless it was disabled.

    Example:
        >>> import lamina
        >>> lamina.config.is_traceback_filtering_enabled()
        True
    """
    return SETTINGS["traceback_filtering"]


def enable_flash_attention() -> None:
    """Let attention use the framework's fused kernels wherever they are legal (the default)."""
    SETTINGS["flash_attention"] = True


def disable_flash_attention() -> None:
    """Keep attention to its composed form."""
    SETTINGS["flash_attention"] = False


def is_flash_attention_enabled() -> bool | None:
    """Whether fused attention is wanted; None where nobody has said."""
    return SETTINGS["flash_attention"]


def enable_unsafe_deserialization() -> None:
    """Refused: Lamina never runs code from a file.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        "Lamina never runs code from a file, so there is nothing to enable. Pass the functions that a model needs with "
        "`custom_objects`."
    )


def is_nnx_enabled() -> bool:
    """Whether variables are Flax NNX variables: never."""
    return False


def max_epochs() -> int | None:
    """The greatest number of epochs that `fit` runs, whatever it is asked for; None without a limit."""
    return SETTINGS["max_epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit the epochs of every `fit`, for tests of long scripts.

    Args:
        max_epochs: The limit, or None.
    """
    SETTINGS["max_epochs"] = max_epochs


def max_steps_per_epoch() -> int | None:
    """The greatest number of steps in an epoch of `fit`, `evaluate` and `predict`; None without a limit."""
    return SETTINGS["max_steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit the steps of every epoch, for tests of long scripts.

    Args:
        max_steps_per_epoch: The limit, or None.
    """
    SETTINGS["max_steps_per_epoch"] = max_steps_per_epoch


def portable_random() -> bool:
    """Whether draws come from the generator that is the same on all backends.

    Returns:
        False unless changed.
    """
    return SETTINGS["portable_random"]


def set_portable_random(flag: bool) -> None:
    """Choose between the framework's own random generator (fast) and one that is the same on all backends.

    With the latter, equal seeds give equal dropout masks, shuffles and draws on jax, torch, TensorFlow and NumPy, up
    to the rounding of logarithms. It costs several times more per draw: for tests, comparisons and papers.

    Args:
        flag: Whether draws are portable.

    Example:
        >>> import lamina
        >>> lamina.config.set_portable_random(True)
        >>> lamina.ops.convert_to_numpy(lamina.random.randint((4,), 0, 100, seed=1)).tolist()
        [45, 45, 82, 25]
        >>> lamina.config.set_portable_random(False)
    """
    SETTINGS["portable_random"] = bool(flag)


def compile_cache() -> str | None:
    """The folder where compiled programs are kept between runs. Asking changes nothing.

    Returns:
        `~/.lamina/compiled` unless changed, or what the environment variable `LAMINA_COMPILE_CACHE` names; None if
        they are not kept: switched off, or the folder is not the user's own and private.
    """
    found = cache.folder()
    return None if found is None else str(found)


def set_compile_cache(folder: str | bool) -> None:
    """Choose where compiled programs are kept between runs, so that the second run starts without compiling.

    They are run as code when they are loaded, so the folder must be private (mode 0700). jax's programs go to its
    subfolder `lamina-jax`, which Lamina makes, marks and keeps below 1 GB: only programs in there are ever deleted.
    jax has one cache for the process, so programs that you compile with it yourself are kept there, too, unless you
    have given jax a folder (`JAX_COMPILATION_CACHE_DIR`). torch keeps its programs in a folder of its own.

    Args:
        folder: A folder, which is made if it is missing; True for `~/.lamina/compiled`, False to keep nothing.

    Raises:
        ValueError: if others can read or write the folder, or it cannot be made.

    Example:
        >>> import lamina
        >>> lamina.config.set_compile_cache(False)
        >>> lamina.config.compile_cache() is None
        True
    """
    cache.choose(folder if isinstance(folder, bool) else str(folder))
    for name in backends.loaded():
        backends.load(name).compile_cache(cache.folder())


def keep_memory(flag: bool) -> bool:
    """Keep freed memory in this process, in one heap, or give it back: for programs that do little but train.

    A step that allocates its intermediate results anew pays for fresh pages each time. By themselves, jax and torch
    keep up to 256 MB from the first step of training on. With True malloc keeps up to 1 GB, large blocks included, for
    all threads of the program together, so threads wait for each other when they allocate: best set first of all. Also
    by the environment variable `LAMINA_KEEP_MEMORY`: 1 is True, 0 keeps nothing.

    Args:
        flag: True for one heap that keeps what is freed; False for malloc as it was, with what is free given back.

    Returns:
        Whether it could be set: only with glibc, and not where `MALLOC_*` or `GLIBC_TUNABLES` says otherwise.

    Example:
        >>> import lamina
        >>> _ = lamina.config.keep_memory(False)
    """
    return process.keep_memory(bool(flag))


def backend() -> str:
    """The name of the backend in force.

    Returns:
        "jax", "torch", "tensorflow" or "numpy".

    Example:
        >>> import lamina
        >>> with lamina.backend("numpy"):
        ...     lamina.config.backend()
        'numpy'
    """
    kernel = state.kernel
    return kernel.name if kernel is not None and not kernel.abstract else backends.default_name()


@folds_frames
def set_backend(backend: str) -> None:
    """Choose the backend for this process; variables move to it when they are next read.

    Args:
        backend: "jax", "torch", "tensorflow" or "numpy".

    Raises:
        ValueError: if there is no such backend.
        BackendError: if its framework is not installed.
    """
    context.use(backends.load(backend))


def devices(kind: str | None = None) -> list[str]:
    """The devices that the backend in force sees.

    Args:
        kind: "cpu", "gpu" or "tpu"; None for those that the backend computes on by default.

    Returns:
        Names such as "gpu:0", which `lamina.device` takes.
    """
    from lamina.core import devices

    return devices.devices(kind)
