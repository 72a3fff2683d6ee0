from .cost import CostReport as CostReport
from .cost import cost as cost
from .graph import model_to_dot as model_to_dot
from .graph import plot_model as plot_model
from .mermaid import mermaid as mermaid
from .page import html as html
from .picture import Picture as Picture
from .summary import summary as summary
