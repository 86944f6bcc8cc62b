"""What to do, on the ground of what is remembered."""

from vestige.models.policy.agent import Agent as Agent
from vestige.models.policy.heads import Opinion as Opinion
from vestige.models.policy.heads import Policy as Policy
