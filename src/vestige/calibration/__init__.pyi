from .comparing import Calibrations as Calibrations
from .comparing import Way as Way
from .comparing import calibrate as calibrate
