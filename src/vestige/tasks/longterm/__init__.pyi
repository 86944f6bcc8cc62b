"""Tasks in which an outcome depends on what was seen long before it (MemUP section 5)."""

from .adding import Add as Add
from .adding import AddSequence as AddSequence
from .choice import AbstractChoice as AbstractChoice
from .contract import AbstractLongTask as AbstractLongTask
from .contract import AbstractMemoryTask as AbstractMemoryTask
from .contract import WithContextWindow as WithContextWindow
from .copying import AbstractLayout as AbstractLayout
from .copying import Block as Block
from .copying import Copy as Copy
from .copying import CopySequence as CopySequence
from .copying import Positional as Positional
from .copying import Scattered as Scattered
from .gap import GapRecall as GapRecall
from .gap import GapSequence as GapSequence
from .pixels import PixelImages as PixelImages
from .pixels import PixelSequence as PixelSequence
from .reading import EncodesAndPredicts as EncodesAndPredicts
from .recall import Recall as Recall
from .recall import RecallSequence as RecallSequence
from .stream import Stream as Stream
from .xor import Xor as Xor
from .xor import XorSequence as XorSequence
