"""How files of a run folder are kept: whole or not at all, with digests, by one writer at a time."""

from .durable import set_aside as set_aside
from .durable import write_text as write_text
from .locking import FolderLock as FolderLock
from .locking import Owner as Owner
