"""External memories behind one contract: what was seen goes in, a context for the prior comes out."""

from vestige.memory.attention import Attention as Attention
from vestige.memory.attention import AttentionState as AttentionState
from vestige.memory.contract import AbstractFeedbackMemory as AbstractFeedbackMemory
from vestige.memory.contract import AbstractMemory as AbstractMemory
from vestige.memory.contract import AbstractSlotMemory as AbstractSlotMemory
from vestige.memory.contract import Info as Info
from vestige.memory.dnc import DNC as DNC
from vestige.memory.dnc import DNCState as DNCState
from vestige.memory.introspection import Introspection as Introspection
from vestige.memory.introspection import IntrospectionState as IntrospectionState
from vestige.memory.lru import LRU as LRU
from vestige.memory.lru import LRUState as LRUState
from vestige.memory.no_memory import NoMemory as NoMemory
from vestige.memory.ntm import NTM as NTM
from vestige.memory.ntm import NTMState as NTMState
from vestige.memory.weighting import AbstractWeighting as AbstractWeighting
from vestige.memory.weighting import SigmoidNorm as SigmoidNorm
from vestige.memory.weighting import Softmax as Softmax
from vestige.memory.weighting import SoftplusNorm as SoftplusNorm
