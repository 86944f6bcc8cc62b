"""The kinds of data that a model can be fitted to; nothing here imports JAX."""

from typing import Literal, get_args

DataKind = Literal["auto", "recordings", "labelled", "stream", "frames"]
"""What a file is taken for; auto: as the file suggests."""
KINDS: tuple[str, ...] = get_args(DataKind)
