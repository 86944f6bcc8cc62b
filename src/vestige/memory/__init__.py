"""External memories behind one contract: what was seen goes in, a context for the prior comes out."""

from vestige.memory.contract import AbstractMemory as AbstractMemory
from vestige.memory.contract import Info as Info
from vestige.memory.introspection import Introspection as Introspection
from vestige.memory.nothing import NoMemory as NoMemory
from vestige.memory.weighting import AbstractWeighting as AbstractWeighting
from vestige.memory.weighting import SigmoidNorm as SigmoidNorm
from vestige.memory.weighting import Softmax as Softmax
from vestige.memory.weighting import SoftplusNorm as SoftplusNorm
