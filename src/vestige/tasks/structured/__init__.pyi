"""Tasks whose data have a structure behind them that is known."""

from .bouncing_points import Detections as Detections
from .bouncing_points import drawn_detections as drawn_detections
from .bouncing_points import reflected as reflected
from .graph_layout import GraphLayout as GraphLayout
from .graph_layout import found_edges as found_edges
from .layouts import drawn_layout as drawn_layout
from .layouts import spring_step as spring_step
from .object_tracking import ObjectTracking as ObjectTracking
from .object_tracking import best_assignment as best_assignment
from .object_tracking import right_tracks as right_tracks
from .trackers import assigned as assigned
from .trackers import constant_velocity as constant_velocity
from .trackers import kalman as kalman
from .trackers import nearest as nearest
