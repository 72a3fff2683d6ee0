"""Handwritten digits: train a convolutional network, judge it on digits it has not seen, save it, load it again.

The 1,797 images of 8x8 pixels come with scikit-learn, so nothing is downloaded.

    python examples/digits.py
"""

import time

import matplotlib

matplotlib.use("Agg")  # draws into a file: no screen is needed
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lamina
from lamina import layers

EPOCHS = 40


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images as (rows, 8, 8, 1) floats in [0, 1], labels 0 to 9; a quarter is held out."""
    digits = load_digits()
    images = (digits.images[..., None] / 16).astype("float32")
    x_train, x_test, y_train, y_test = train_test_split(
        images, digits.target, test_size=0.25, random_state=0, stratify=digits.target
    )
    return x_train, y_train, x_test, y_test


def build() -> lamina.Model:
    """Two convolutions, a pooling, two dense layers, with dropout between."""
    model = lamina.Sequential()
    model.add(lamina.Input((8, 8, 1)))
    model.add(layers.Conv2D(32, (3, 3), activation="relu"))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def plot(history: dict[str, list[float]], path: str) -> None:
    """The training curves as a picture."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for panel, name in zip(panels, ("loss", "accuracy"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        panel.plot(epochs, history[name], label="training")
        panel.plot(epochs, history[f"val_{name}"], label="validation")
        panel.set(xlabel="epoch", title=name)
        panel.grid(alpha=0.3)
        panel.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    started = time.perf_counter()
    lamina.utils.set_random_seed(1)
    x_train, y_train, x_test, y_test = load()
    model = build()
    model.summary()
    history = model.fit(x_train, y_train, batch_size=32, epochs=EPOCHS, validation_split=0.1)

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"\nHeld-out digits: {len(x_test)}, loss {loss:.4f}, accuracy {accuracy:.4f}")

    model.save("digits.keras")
    again = lamina.models.load_model("digits.keras")
    same = np.array_equal(again.predict(x_test), model.predict(x_test))
    print(f"Saved digits.keras; the loaded model predicts {'the same' if same else 'SOMETHING ELSE'}.")

    plot(history.history, "digits.png")
    print(f"Training curves in digits.png. {time.perf_counter() - started:.1f} seconds in all.")
    if not same or accuracy < 0.975:
        raise SystemExit("The demo did not reach what it promises (accuracy 0.975, equal predictions).")


if __name__ == "__main__":
    main()
