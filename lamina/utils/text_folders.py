"""Texts and sounds of a folder as data sets."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np

from lamina.kernel.tracebacks import folds_frames
from lamina.utils.files import batches_of, check_split, find, finished, parts, read_all


@folds_frames
def text_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
    batch_size: int | None = 32, max_length: int | None = None, shuffle: bool = True, seed: int | None = None,
    validation_split: float | None = None, subset: str | None = None, follow_links: bool = False,
    format: str = "tf", verbose: bool = True,
) -> Any:  # fmt: skip
    """The text files (.txt) below a folder, whose subfolders are the classes.

    Args:
        directory: The folder.
        labels: "inferred" from the names of subfolders, None, or one integer for each file in the order of paths.
        label_mode: "int", "categorical" (one-hot), "binary" or None.
        class_names: The order of the subfolders; alphabetical by default.
        batch_size: How many texts a batch has; None gives single ones.
        max_length: After how many bytes texts are cut.
        shuffle: Whether the order is random, another one in each epoch.
        seed: An integer for repeatable orders and splits.
        validation_split: The part of the files that is for validation.
        subset: "training", "validation" or "both" (a pair of data sets).
        follow_links: Whether links to folders are followed.
        format: "tf" (without TensorFlow the native form), "grain" or "native".
        verbose: Whether to print how many files were found.

    Returns:
        A data set of texts, or (texts, labels); natively arrays of `str`.

    Raises:
        ValueError: if arguments are unknown or do not go together, or there are no texts.
        FileNotFoundError: if there is no such folder.

    Example:
        >>> import lamina, os, pathlib
        >>> os.makedirs("mail/good")
        >>> n = pathlib.Path("mail/good/1.txt").write_text("hello")
        >>> data = lamina.utils.text_dataset_from_directory("mail", format="native", verbose=False)
        >>> data[0][0].tolist()
        ['hello']
    """
    name = "text_dataset_from_directory"
    check_split(name, validation_split, subset, shuffle, seed)
    if seed is None and shuffle:
        seed = int(np.random.randint(1_000_000))
    found = find(
        name, directory, labels, label_mode, class_names, (".txt",), follow_links, shuffle, seed, "texts"
    )

    def one(path: str) -> str:
        return Path(path).read_bytes()[:max_length].decode("utf-8", "replace")

    def read(paths: list[str]) -> np.ndarray:
        return np.array(read_all(one, paths), dtype=object)

    made = [
        finished(name, batches_of(part, read, batch_size, shuffle, seed), format)
        for part in parts(found, validation_split, subset, verbose)
    ]
    return made[0] if len(made) == 1 else made


def audio_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
    batch_size: int | None = 32, sampling_rate: int | None = None, output_sequence_length: int | None = None,
    ragged: bool = False, shuffle: bool = True, seed: int | None = None, validation_split: float | None = None,
    subset: str | None = None, follow_links: bool = False, verbose: bool = True, format: str = "tf",
) -> Any:  # fmt: skip
    """The sounds (.wav) below a folder, whose subfolders are the classes.

    Args:
        directory: The folder.
        labels: "inferred" from the names of subfolders, None, or one integer for each file in the order of paths.
        label_mode: "int", "categorical" (one-hot), "binary" or None.
        class_names: The order of the subfolders; alphabetical by default.
        batch_size: How many sounds a batch has; None gives single ones.
        sampling_rate: Samples per second to bring sounds to, by linear interpolation; None leaves them.
        output_sequence_length: How many samples each sound gets, cut or filled up with 0; None: as the longest of its
            batch.
        ragged: Whether sounds keep their lengths.
        shuffle: Whether the order is random, another one in each epoch.
        seed: An integer for repeatable orders and splits.
        validation_split: The part of the files that is for validation.
        subset: "training", "validation" or "both" (a pair of data sets).
        follow_links: Whether links to folders are followed.
        verbose: Whether to print how many files were found.
        format: "tf" (without TensorFlow the native form), "grain" or "native".

    Returns:
        A data set of sounds (batch, samples, channels) between -1 and 1, or of (sounds, labels).

    Raises:
        ValueError: if arguments are unknown or do not go together, or there are no sounds.
        FileNotFoundError: if there is no such folder.

    Example:
        >>> import lamina, os, wave
        >>> os.makedirs("sounds/low")
        >>> with wave.open("sounds/low/1.wav", "wb") as file:
        ...     file.setparams((1, 2, 8000, 0, "NONE", None))
        ...     file.writeframes(np.array([0, 16384], "<i2").tobytes())
        >>> data = lamina.utils.audio_dataset_from_directory("sounds", format="native", verbose=False)
        >>> data[0][0].ravel().tolist()
        [0.0, 0.5]
    """
    name = "audio_dataset_from_directory"
    check_split(name, validation_split, subset, shuffle, seed)
    for value, parameter in (
        (sampling_rate, "sampling_rate"),
        (output_sequence_length, "output_sequence_length"),
    ):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(
                f"{name}: `{parameter}` must be an integer of at least 1 or None, got {value!r}."
            )
    if ragged and output_sequence_length is not None:
        raise ValueError(
            f"{name}: with ragged=True sounds keep their lengths: leave `output_sequence_length` out."
        )
    if seed is None and shuffle:
        seed = int(np.random.randint(1_000_000))
    found = find(
        name, directory, labels, label_mode, class_names, (".wav",), follow_links, shuffle, seed, "sounds"
    )

    def read(paths: list[str]) -> Any:
        sounds = read_all(lambda path: _sound(path, sampling_rate), paths)
        if ragged:
            return sounds
        length = output_sequence_length or max(map(len, sounds))
        return np.stack([np.pad(s[:length], ((0, max(0, length - len(s))), (0, 0))) for s in sounds])

    made = []
    for part in parts(found, validation_split, subset, verbose):
        data = batches_of(part, read, batch_size, shuffle, seed)
        if output_sequence_length is None:
            data.free_axes = (0,)
        made.append(finished(name, data, format, ragged))
    return made[0] if len(made) == 1 else made


def _sound(path: str, rate: int | None) -> np.ndarray:
    """Samples (length, channels) between -1 and 1."""
    try:
        with wave.open(path, "rb") as file:
            channels, width, own = file.getnchannels(), file.getsampwidth(), file.getframerate()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} cannot be read as a WAV file: {error}.") from error
    if width == 1:
        samples = np.frombuffer(raw, "u1").astype("float32") / 128 - 1
    elif width == 3:
        wide = np.zeros((len(raw) // 3, 4), "u1")
        wide[:, 1:] = np.frombuffer(raw, "u1").reshape(-1, 3)
        samples = wide.view("<i4")[:, 0].astype("float32") / 2**31
    else:
        samples = np.frombuffer(raw, f"<i{width}").astype("float32") / 2 ** (8 * width - 1)
    samples = samples.reshape(-1, channels)
    if rate is None or rate == own:
        return samples
    places = np.arange(int(len(samples) * rate / own)) * (own / rate)
    return np.stack([np.interp(places, np.arange(len(samples)), c) for c in samples.T], 1).astype("float32")
