"""Models, each family in a room of its own."""

from . import families as families
from . import filters as filters
from . import harmonium as harmonium
from . import longterm as longterm
from . import policy as policy
from . import temporal as temporal
from . import tied as tied
from .spec import ModelSpec as ModelSpec
