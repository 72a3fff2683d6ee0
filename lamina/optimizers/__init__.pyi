from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .base import Optimizer as Optimizer
from .family import deserialize as deserialize
from .family import get as get
from .family import serialize as serialize
from .rmsprop import RMSprop as RMSprop
from .sgd import SGD as SGD
