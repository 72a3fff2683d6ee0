from .classes import CTC as CTC
from .classes import BinaryCrossentropy as BinaryCrossentropy
from .classes import BinaryFocalCrossentropy as BinaryFocalCrossentropy
from .classes import CategoricalCrossentropy as CategoricalCrossentropy
from .classes import CategoricalFocalCrossentropy as CategoricalFocalCrossentropy
from .classes import (
    CategoricalGeneralizedCrossEntropy as CategoricalGeneralizedCrossEntropy,
)
from .classes import CategoricalHinge as CategoricalHinge
from .classes import Circle as Circle
from .classes import CosineSimilarity as CosineSimilarity
from .classes import Dice as Dice
from .classes import Hinge as Hinge
from .classes import Huber as Huber
from .classes import KLDivergence as KLDivergence
from .classes import LogCosh as LogCosh
from .classes import MeanAbsoluteError as MeanAbsoluteError
from .classes import MeanAbsolutePercentageError as MeanAbsolutePercentageError
from .classes import MeanSquaredError as MeanSquaredError
from .classes import MeanSquaredLogarithmicError as MeanSquaredLogarithmicError
from .classes import Poisson as Poisson
from .classes import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
from .classes import SquaredHinge as SquaredHinge
from .classes import Tversky as Tversky
from .crossentropy import binary_crossentropy as binary_crossentropy
from .crossentropy import binary_focal_crossentropy as binary_focal_crossentropy
from .crossentropy import categorical_crossentropy as categorical_crossentropy
from .crossentropy import (
    categorical_focal_crossentropy as categorical_focal_crossentropy,
)
from .crossentropy import (
    categorical_generalized_cross_entropy as categorical_generalized_cross_entropy,
)
from .crossentropy import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from .identifiers import deserialize as deserialize
from .identifiers import get as get
from .identifiers import serialize as serialize
from .loss import Loss as Loss
from .margins import categorical_hinge as categorical_hinge
from .margins import hinge as hinge
from .margins import squared_hinge as squared_hinge
from .overlap import dice as dice
from .overlap import tversky as tversky
from .regression import cosine_similarity as cosine_similarity
from .regression import huber as huber
from .regression import kl_divergence as kl_divergence
from .regression import log_cosh as log_cosh
from .regression import mean_absolute_error as mean_absolute_error
from .regression import mean_absolute_percentage_error as mean_absolute_percentage_error
from .regression import mean_squared_error as mean_squared_error
from .regression import mean_squared_logarithmic_error as mean_squared_logarithmic_error
from .regression import poisson as poisson
from .sequence import circle as circle
from .sequence import ctc as ctc
