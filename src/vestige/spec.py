"""Specifications: what may be set of a part, stated once, as plain values and without JAX."""

import abc
import dataclasses
import importlib
from typing import Any, ClassVar

from vestige.checks import COUNT, finite


def load(path: str) -> Any:
    """The object that `path`, `module:name`, names; its module is imported now."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def with_options(spec: Any, **options: Any) -> Any:
    """A specification with those of some options that it has.

    **Arguments:**

    - `spec`: a frozen dataclass.
    - `options`: name -> value; names that `spec` does not have are left out.

    **Returns:** a new specification of the same class.

    **Raises:** `ValueError` for a value that it refuses.
    """
    known = {field.name for field in dataclasses.fields(spec)}
    return dataclasses.replace(spec, **{name: value for name, value in options.items() if name in known})


@dataclasses.dataclass(frozen=True)
class Spec(abc.ABC):  # noqa: B024  # contracts add the abstract methods
    """The options of one part: the base of frozen dataclasses whose fields are the options.

    A field is a plain value, another `Spec`, or None. Command line, `config.yaml`, documentation and conformance suites
    are made from the fields, their defaults, and the strings below them. A contract (memory, rule, …) has a subclass
    that names it in `contract` and says how its parts are built; instances of it are registered by name.

    Importing a specification must not import JAX: what builds the part imports what it needs when it is called.
    """

    contract: ClassVar[str] = ""
    """The registry whose names stand for specifications of this contract; empty for options that are only grouped."""
    part: ClassVar[str] = ""
    """`module:Class` of what is specified, where its constructor takes the fields by their names."""

    largest: ClassVar[int] = COUNT
    """The largest whole number among the fields."""

    def __post_init__(self):
        finite(self, largest=self.largest)

    def make(self, *args: Any, **context: Any) -> Any:
        """Call the constructor of `part` with the fields. Imports the module of the part.

        **Arguments:**

        - `args`: positional arguments of the constructor.
        - `context`: further keyword arguments; they replace fields of the same name.

        **Returns:** the part.

        **Raises:** what the constructor raises.
        """
        own = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return load(self.part)(*args, **{**own, **context})

    @classmethod
    def examples(cls) -> "tuple[Spec, ...]":
        """Small instances for the conformance suite of the contract.

        **Returns:** at least one; by default the one whose options are all at their defaults.
        """
        return (cls(),)
