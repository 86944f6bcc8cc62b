"""Tasks whose data have a structure behind them that is known."""

from .graph_layout import GraphLayout as GraphLayout
from .graph_layout import found_edges as found_edges
from .layouts import drawn_layout as drawn_layout
from .layouts import spring_step as spring_step
