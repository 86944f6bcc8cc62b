"""External memories behind one contract: what was seen goes in, a context for the prior comes out."""

from .attention import Attention as Attention
from .attention import AttentionState as AttentionState
from .contract import AbstractFeedbackMemory as AbstractFeedbackMemory
from .contract import AbstractMemory as AbstractMemory
from .contract import AbstractSlotMemory as AbstractSlotMemory
from .contract import Info as Info
from .dnc import DNC as DNC
from .dnc import DNCState as DNCState
from .introspection import Introspection as Introspection
from .introspection import IntrospectionState as IntrospectionState
from .lru import LRU as LRU
from .lru import LRUState as LRUState
from .no_memory import NoMemory as NoMemory
from .ntm import NTM as NTM
from .ntm import NTMState as NTMState
from .specs import AttentionSpec as AttentionSpec
from .specs import DNCSpec as DNCSpec
from .specs import IntrospectionSpec as IntrospectionSpec
from .specs import LRUSpec as LRUSpec
from .specs import MemorySpec as MemorySpec
from .specs import NoMemorySpec as NoMemorySpec
from .specs import NTMSpec as NTMSpec
from .weighting import AbstractWeighting as AbstractWeighting
from .weighting import SigmoidNorm as SigmoidNorm
from .weighting import Softmax as Softmax
from .weighting import SoftplusNorm as SoftplusNorm
