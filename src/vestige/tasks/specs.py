"""The tasks by name; nothing here imports JAX."""

from vestige.registries import Registry
from vestige.tasks.filtering.specs import FILTERING_TASKS
from vestige.tasks.frame_specs import FRAME_TASKS
from vestige.tasks.longterm.specs import LONG_TERM_TASKS
from vestige.tasks.spec import TaskSpec
from vestige.tasks.structured.specs import STRUCTURED_TASKS
from vestige.tasks.text.specs import TEXT_TASKS
from vestige.tasks.tied.specs import TWO_WAY_TASKS
from vestige.tasks.tied.table_specs import TABLE_TASKS
from vestige.tasks.tmaze.specs import TMazeSpec
from vestige.tasks.toy_specs import TOYS
from vestige.tasks.twocolors.specs import TwoColorsSpec

TASKS: Registry[TaskSpec] = Registry(
    "task",
    TaskSpec,
    {
        **FRAME_TASKS,
        **LONG_TERM_TASKS,
        **FILTERING_TASKS,
        **TWO_WAY_TASKS,
        **TABLE_TASKS,
        **TOYS,
        **STRUCTURED_TASKS,
        **TEXT_TASKS,
        "tmaze": TMazeSpec(),
        "two-colors": TwoColorsSpec(),
    },
)
"""What `--task NAME` stands for."""
