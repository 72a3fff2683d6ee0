from lamina.core.sample import for_sample as for_sample

from .draws import SeedGenerator as SeedGenerator
from .draws import beta as beta
from .draws import binomial as binomial
from .draws import categorical as categorical
from .draws import dropout as dropout
from .draws import gamma as gamma
from .draws import normal as normal
from .draws import randint as randint
from .draws import shuffle as shuffle
from .draws import truncated_normal as truncated_normal
from .draws import uniform as uniform
