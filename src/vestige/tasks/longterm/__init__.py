"""Tasks in which an outcome depends on what was seen long before it (MemUP section 5)."""

from vestige.tasks.longterm.adding import Add as Add
from vestige.tasks.longterm.adding import AddSequence as AddSequence
from vestige.tasks.longterm.choice import AbstractChoice as AbstractChoice
from vestige.tasks.longterm.context_window import WithContextWindow as WithContextWindow
from vestige.tasks.longterm.contract import AbstractLongTask as AbstractLongTask
from vestige.tasks.longterm.contract import AbstractMemoryTask as AbstractMemoryTask
from vestige.tasks.longterm.copying import AbstractLayout as AbstractLayout
from vestige.tasks.longterm.copying import Block as Block
from vestige.tasks.longterm.copying import Copy as Copy
from vestige.tasks.longterm.copying import CopySequence as CopySequence
from vestige.tasks.longterm.copying import Positional as Positional
from vestige.tasks.longterm.copying import Scattered as Scattered
from vestige.tasks.longterm.gap import GapRecall as GapRecall
from vestige.tasks.longterm.gap import GapSequence as GapSequence
from vestige.tasks.longterm.pixels import PixelImages as PixelImages
from vestige.tasks.longterm.pixels import PixelSequence as PixelSequence
from vestige.tasks.longterm.reading import EncodesAndPredicts as EncodesAndPredicts
from vestige.tasks.longterm.recall import Recall as Recall
from vestige.tasks.longterm.recall import RecallSequence as RecallSequence
from vestige.tasks.longterm.stream import Stream as Stream
from vestige.tasks.longterm.xor import Xor as Xor
from vestige.tasks.longterm.xor import XorSequence as XorSequence
