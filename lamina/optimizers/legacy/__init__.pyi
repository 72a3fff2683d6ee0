from .renamed import SGD as SGD
from .renamed import Adagrad as Adagrad
from .renamed import Adam as Adam
from .renamed import Ftrl as Ftrl
from .renamed import Optimizer as Optimizer
from .renamed import RMSprop as RMSprop
