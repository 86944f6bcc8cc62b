"""What options, classes and values were called in schema 1 (version 0.1), experiment by experiment.

One table for two uses: folders of version 0.1 are read by it, and command lines of version 0.1 are understood by it,
with a notice, for one release.
"""

from collections.abc import Mapping

from vestige.runs.schema1.agents import AGENTS
from vestige.runs.schema1.filtering import FILTERING
from vestige.runs.schema1.memup import memup
from vestige.runs.schema1.names import Names
from vestige.runs.schema1.temporal import TEMPORAL
from vestige.runs.schema1.tied import TWO_WAYS
from vestige.runs.schema1.toys import TOYS

NAMES: Mapping[str, Names] = {
    **dict.fromkeys(
        (
            "perfect-recall",
            "parity-recall",
            "one-shot-recall",
            "dynamic-dependency",
            "similarity-recall",
            "map-navigation",
            "room-rotation",
        ),
        TEMPORAL,
    ),
    **memup(TEMPORAL),
    **AGENTS,
    **FILTERING,
    **TWO_WAYS,
    **TOYS,
}
"""By the name of the experiment."""
