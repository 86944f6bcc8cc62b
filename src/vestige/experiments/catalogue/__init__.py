"""The catalogue: every experiment by name, with its presets. Importing it imports no JAX."""

from vestige.experiments.catalogue.agents import AGENTS
from vestige.experiments.catalogue.filtering import FILTERING
from vestige.experiments.catalogue.gtmm import GTMM
from vestige.experiments.catalogue.memup import MEMUP
from vestige.experiments.catalogue.structured import STRUCTURED
from vestige.experiments.catalogue.texts import TEXTS
from vestige.experiments.catalogue.tied import TIED
from vestige.experiments.catalogue.toys import TOYS
from vestige.experiments.entry import Entry
from vestige.registries import Registry

_ENTRIES = (*GTMM, *MEMUP, *AGENTS, *FILTERING, *TIED, *TOYS, *STRUCTURED, *TEXTS)

CATALOGUE: Registry[Entry] = Registry("experiment", Entry, {entry.name: entry for entry in _ENTRIES})
