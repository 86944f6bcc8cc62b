"""Specifications: stated once, readable without JAX, the same as plain values and back."""

import dataclasses
import inspect
import subprocess
import sys

import pytest

from vestige.errors import UsageError
from vestige.memory.specs import MEMORIES, IntrospectionSpec, NTMSpec
from vestige.plain import from_plain, name_of, to_plain
from vestige.registries import CONTRACTS, registry
from vestige.spec import Spec, load
from vestige.training.optimisers import AdamSpec, OptimiserSpec

SPECIFIED = [contract for contract in CONTRACTS if contract not in ("dataset", "metric", "section", "experiment")]


def test_reading_every_specification_needs_no_jax():
    code = "import sys\nfrom vestige.registries import CONTRACTS, registry\n"
    code += "for contract in CONTRACTS: list(registry(contract))\n"
    code += "assert 'jax' not in sys.modules, [m for m in sys.modules if m.startswith('vestige')]"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("contract", SPECIFIED)
def test_every_registered_part_survives_being_written_down(contract):
    for name, spec in registry(contract).items():
        assert from_plain(registry(contract).base, to_plain(spec), where="x") == spec, name
        assert to_plain(spec) == {"name": name}, name
        for example in type(spec).examples():
            assert from_plain(registry(contract).base, to_plain(example), where="x") == example, name


@pytest.mark.parametrize("contract", SPECIFIED)
def test_options_are_those_of_the_constructor(contract):
    """A specification that names its part states the constructor's own names, and its defaults where it has them."""
    for spec in {type(spec): spec for spec in registry(contract).values()}.values():
        if not spec.part:
            continue
        part = load(spec.part)
        parameters = inspect.signature(part).parameters
        for field in dataclasses.fields(spec):
            value = getattr(spec, field.name)
            if field.name not in parameters or isinstance(value, Spec) or value is None:
                continue
            default = parameters[field.name].default
            plain = isinstance(default, int | float | str | bool) and type(default) is type(value)
            if plain and field.default is not dataclasses.MISSING:
                assert field.default == default or (spec.part, field.name) in DEPARTURES, (spec.part, field.name)


DEPARTURES = {
    ("vestige.models.longterm.model:LongTermModel", "width"),  # the experiments' networks are smaller
    ("vestige.tasks.dynamic:DynamicDependency", "l"),  # the library has the paper's sizes, the small presets less
    ("vestige.tasks.dynamic:DynamicDependency", "k"),
    ("vestige.tasks.similarity:SimilarityRecall", "l"),
    ("vestige.memory.ntm:NTM", "heads"),  # the library's memories have one head, the experiments' two
    ("vestige.memory.lru:LRU", "heads"),
    ("vestige.memory.dnc:DNC", "heads"),
}
"""Defaults of a specification that are not the constructor's, on purpose."""


@pytest.mark.parametrize("contract", SPECIFIED)
def test_every_option_is_explained(contract):
    """The help of an option is the string below it; every part has a first sentence."""
    for spec in {type(spec): spec for spec in registry(contract).values()}.values():
        assert (type(spec).__doc__ or "").strip() and "(" not in (type(spec).__doc__ or "(")[:1], spec
        source = "\n".join(
            inspect.getsource(owner)
            for owner in type(spec).__mro__
            if dataclasses.is_dataclass(owner) and owner is not Spec
        )
        for field in dataclasses.fields(spec):
            if isinstance(getattr(spec, field.name), Spec):
                continue
            after = source.split(f"    {field.name}: ", 1)[1].split("\n    ", 2)[1]
            assert after.lstrip().startswith('"""'), f"{type(spec).__name__}.{field.name} has no help"


class TestPlain:
    def test_only_what_differs_is_written(self):
        assert to_plain(NTMSpec()) == {"name": "ntm"}
        assert to_plain(NTMSpec(max_shift=2)) == {"name": "ntm", "max_shift": 2}
        assert to_plain(AdamSpec(1e-3)) == {"name": "adam"}

    def test_the_name_is_that_with_the_fewest_differences(self):
        assert name_of(dataclasses.replace(MEMORIES["vrnn"])) == "vrnn"
        assert to_plain(MEMORIES["vrnn"]) == {"name": "vrnn"}

    def test_a_name_alone_will_do(self):
        assert from_plain(OptimiserSpec, "muon", where="x") == registry("optimiser")["muon"]

    def test_a_missing_option_takes_its_default(self):
        memory = from_plain(registry("memory").base, {"name": "introspection", "heads": 3}, where="x")
        assert memory == IntrospectionSpec(heads=3)

    @pytest.mark.parametrize(
        ("plain", "message"),
        [
            (
                {"name": "introspection", "head": 3},
                "c: memory 'introspection' has no option 'head'. Did you mean 'heads'",
            ),
            ({"name": "introspecton"}, "c: unknown memory 'introspecton'. Did you mean 'introspection'"),
            ({"heads": 2}, "c: expected the name of a memory and its options, got {'heads': 2}"),
            ({"name": "introspection", "heads": 0}, "c: memory 'introspection': heads must be at least 1, got 0"),
            ({"name": "introspection", "heads": "two"}, "heads must be an integer, got two"),
            ({"name": "introspection", "heads": True}, "heads must be an integer, got True"),
            ({"name": "introspection", "weighting": "hard"}, "weighting must be 'softmax' or 'softplus-norm' or"),
            ({"name": "lru", "decay": float("inf")}, "decay must be finite, got inf"),
            ({"name": "lru", "heads": 10**30}, "heads must be at most 65,536"),
            (None, "c: expected the name of a memory"),
            ({"name": "x" * 3000}, "unknown memory"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_one_sentence(self, plain, message):
        with pytest.raises(UsageError) as refused:
            from_plain(registry("memory").base, plain, where="c")
        assert message in str(refused.value)


def test_another_precision_is_refused():
    small = registry("experiment").find("toy-matching").preset("small")
    assert dataclasses.replace(small, precision="bfloat16").precision == "bfloat16"
    with pytest.raises(ValueError, match="precision must be float32 or bfloat16, got float16"):
        dataclasses.replace(small, precision="float16")
