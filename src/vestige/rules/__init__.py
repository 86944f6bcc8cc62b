"""Learning rules: values that turn (model, batch) into a gradient-shaped update."""

from vestige.rules.contract import AbstractRule as AbstractRule
from vestige.rules.contract import Step as Step
from vestige.rules.gradient import Gradient as Gradient
from vestige.rules.gradient import Objective as Objective
from vestige.rules.memup import MemUP as MemUP
from vestige.rules.memup import MemUPCarry as MemUPCarry
from vestige.rules.scores import AbstractScore as AbstractScore
from vestige.rules.scores import Chance as Chance
from vestige.rules.scores import Entropy as Entropy
from vestige.rules.scores import Reducible as Reducible
from vestige.rules.scores import Surprise as Surprise
from vestige.rules.scores import Unexplained as Unexplained
from vestige.rules.selection import AbstractSelection as AbstractSelection
from vestige.rules.selection import Candidates as Candidates
from vestige.rules.selection import GumbelMost as GumbelMost
from vestige.rules.selection import Importance as Importance
from vestige.rules.selection import Most as Most
from vestige.rules.selection import Targets as Targets
from vestige.rules.slots import Slots as Slots
from vestige.rules.truncated import Truncated as Truncated
