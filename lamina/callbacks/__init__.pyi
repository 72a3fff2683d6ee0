from .callback import Callback as Callback
from .callback import CallbackList as CallbackList
from .history import History as History
