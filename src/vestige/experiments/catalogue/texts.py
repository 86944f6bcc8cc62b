"""Texts with a latent structure."""

from vestige.estimators.specs import LeaveOneOutSpec
from vestige.experiments.catalogue.parentheses import PARENTHESES
from vestige.experiments.entry import Entry
from vestige.experiments.experiment import Experiment
from vestige.experiments.published import texts as published
from vestige.models.structured.text_specs import DependencyParserSpec, ExplainerSpec, LatentArcsSpec
from vestige.tasks.text.specs import ExplainSpec, ListOpsSpec, ParseSpec
from vestige.training.optimisers import AdamSpec, OptimiserSpec, TwoRatesSpec

SYSTEM = "structured latents"


def _listops(task: ListOpsSpec, optimiser: OptimiserSpec, *, steps: int, exploration: float) -> Experiment:
    model = LatentArcsSpec(estimator=LeaveOneOutSpec(5), exploration=exploration)
    return Experiment(task, model, optimiser=optimiser, steps=steps, batch_size=20, num_evals=10, eval_size=1000)


LISTOPS = Entry(
    name="listops",
    title="ListOps",
    summary="nested list operations: the tree is never given, only the value that it leads to",
    system=SYSTEM,
    paper="Struminsky et al. 2021, sizes of a co-author's repository",
    presets={
        "small": _listops(
            ListOpsSpec(depths=2, longest=15, train=5000), TwoRatesSpec(2e-3), steps=3000, exploration=0.05
        ),
        "cpu": _listops(ListOpsSpec(depths=2, longest=15), TwoRatesSpec(2e-3), steps=30_000, exploration=0.05),
        "paper": _listops(ListOpsSpec(), AdamSpec(1.86e-4, "constant"), steps=200_000, exploration=0.0),
    },
    durations={
        "small": "3 minutes, 2 CPU cores",
        "cpu": "an hour, 2 CPU cores",
        "paper": "half a day, 2 CPU cores",
    },
    published=published.listops,
    vary="model.estimator",
    bench="model.estimator",
)


def _parse(
    task: ParseSpec, model: DependencyParserSpec, optimiser: OptimiserSpec = AdamSpec(2e-3), *, steps: int, batch: int
) -> Experiment:
    return Experiment(task, model, optimiser=optimiser, steps=steps, batch_size=batch, num_evals=10, eval_size=64)


_EWT = ParseSpec("ud-english-ewt", train=None, test=None)
_SHORT = DependencyParserSpec(width=64, arcs=64, dropout=0.15, word_dropout=0.1)  # little dropout: a short training

PARSE = Entry(
    name="parse",
    title="Dependency parsing",
    summary="an arborescence over the words of a sentence, learned from trees, or from a few trees and the words",
    system=SYSTEM,
    paper="Universal Dependencies, English Web Treebank; ours",
    presets={
        "small": _parse(ParseSpec(), DependencyParserSpec(width=32, arcs=32, use_tags=False), steps=1000, batch=8),
        "cpu": _parse(_EWT, _SHORT, AdamSpec(3e-3), steps=2200, batch=16),
        "paper": _parse(_EWT, DependencyParserSpec(width=256, arcs=256), steps=30_000, batch=32),
    },
    durations={
        "small": "2 minutes, 2 CPU cores",
        "cpu": "10 minutes, 2 CPU cores",
        "paper": "half a day, 2 CPU cores",
    },
    vary="optimiser",
    bench="optimiser",
)


def _explain(
    task: ExplainSpec, model: ExplainerSpec, optimiser: OptimiserSpec = TwoRatesSpec(2e-3, latent=0.25), *, steps: int
) -> Experiment:
    return Experiment(task, model, optimiser=optimiser, steps=steps, batch_size=32, num_evals=10, eval_size=400)


_MOVIES = ExplainSpec(
    "movie-rationales", k=10, longest=350, least=5, least_texts=20, train=None, test=None, passages=50
)


def _film_explainer(width: int) -> ExplainerSpec:
    return ExplainerSpec("complex", width, LeaveOneOutSpec(16), exploration=0.1)


_SLOW_SELECTOR = TwoRatesSpec(1e-2, latent=0.1)  # it waits until the classifier knows what words say

EXPLAIN = Entry(
    name="explain",
    title="Learning to explain",
    summary="k words of a text are to tell its opinion: are they those that people marked?",
    system=SYSTEM,
    paper="Struminsky et al. 2021, with film reviews in place of beer reviews",
    presets={
        "small": _explain(ExplainSpec(), ExplainerSpec(exploration=0.1), steps=1500),
        "cpu": _explain(_MOVIES, _film_explainer(50), _SLOW_SELECTOR, steps=2400),
        "sst": _explain(
            ExplainSpec("sst", longest=60, least=2, train=None, test=None, phrases=4),
            ExplainerSpec("complex", exploration=0.1),
            steps=4000,
        ),
        "paper": _explain(_MOVIES, _film_explainer(100), _SLOW_SELECTOR, steps=20_000),
    },
    durations={
        "small": "2 minutes, 2 CPU cores",
        "cpu": "2 minutes, 2 CPU cores",
        "sst": "6 minutes, 2 CPU cores",
        "paper": "3 hours, 2 CPU cores",
    },
    vary="model.estimator",
    bench="model.estimator",
)

TEXTS = (LISTOPS, PARSE, EXPLAIN, PARENTHESES)
"""Expressions, sentences, reviews, brackets."""
