"""What to do, on the ground of what is remembered."""

from .agent import Agent as Agent
from .heads import Opinion as Opinion
from .heads import Policy as Policy
