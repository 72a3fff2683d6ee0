from .cloning import clone_model as clone_model
from .functional import Functional as Functional
from .functional import Model as Model
from .io import load_model as load_model
from .io import model_from_json as model_from_json
from .io import save_model as save_model
from .sequential import Sequential as Sequential
