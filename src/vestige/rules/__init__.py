"""Learning rules: values that turn (model, batch) into a gradient-shaped update."""

from vestige.rules.contract import AbstractRule as AbstractRule
from vestige.rules.contract import Step as Step
from vestige.rules.gradient import Gradient as Gradient
from vestige.rules.gradient import Objective as Objective
