"""Tables and texts as steps of a stream: what is seen at each, and the outcome that is predicted."""

from .choosing import step_schema as step_schema
from .columns import StepColumns as StepColumns
from .converting import ConvertedSteps as ConvertedSteps
from .converting import converted as converted
from .converting import converted_with as converted_with
from .opening import open_steps as open_steps
from .prose import TextTable as TextTable
