"""The T-maze: a memory that carries a hint through a corridor, and a policy that acts on it."""

from vestige.experiments.tmaze.options import TMaze as TMaze
from vestige.experiments.tmaze.ppo import PPO as PPO
from vestige.experiments.tmaze.training import TRAININGS as TRAININGS
from vestige.experiments.tmaze.training import Joint as Joint
from vestige.experiments.tmaze.training import Pretrained as Pretrained
