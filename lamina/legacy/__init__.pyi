from . import backend as backend
from .alias import install_as_keras as install_as_keras
from .alias import is_installed as is_installed
from .alias import real_keras as real_keras
from .alias import uninstall_as_keras as uninstall_as_keras
from .export import lamina_export as lamina_export
from .spellings import old_spellings as old_spellings
