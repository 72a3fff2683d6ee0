"""`keras.losses` and `keras.objectives`: names that Keras 3 has no more."""

from lamina.legacy.methods import cosine_proximity as cosine_proximity
from lamina.losses import kl_divergence as kullback_leibler_divergence
from lamina.losses import log_cosh as logcosh
from lamina.losses import mean_absolute_error as mae
from lamina.losses import mean_absolute_percentage_error as mape
from lamina.losses import mean_squared_error as mse
from lamina.losses import mean_squared_logarithmic_error as msle

MAE, MAPE, MSE, MSLE = mae, mape, mse, msle
kld = KLD = kullback_leibler_divergence


class Reduction:
    """The ways to average, by the names that TensorFlow 2 had for them."""

    AUTO = SUM_OVER_BATCH_SIZE = "sum_over_batch_size"  # what `AUTO` meant outside of strategies
    SUM, NONE = "sum", "none"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return (cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE)

    @classmethod
    def validate(cls, key: str) -> None:
        """Refuse what is none of them."""
        if key not in cls.all():
            raise ValueError(f"Reduction must be one of {cls.all()}, got {key!r}.")


__all__ = [
    "KLD", "MAE", "MAPE", "MSE", "MSLE", "Reduction", "cosine_proximity", "kld", "kullback_leibler_divergence", "logcosh", "mae",
    "mape", "mse", "msle",
]  # fmt: skip
