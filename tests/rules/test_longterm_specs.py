"""Rules for long-term memories, from options to the rule."""

import dataclasses

import pytest

from vestige.models.longterm import RecurrentSpec, WholeSequence
from vestige.rules import (
    BPTTSpec,
    CheckpointedSpec,
    ChunkParallel,
    ChunkParallelSpec,
    Gradient,
    GumbelTopK,
    GumbelTopKSpec,
    Importance,
    ImportanceSpec,
    InformationGainSpec,
    MemUP,
    MemUPSpec,
    OracleScore,
    OracleScoreSpec,
    RandomlyTruncated,
    RandomlyTruncatedSpec,
    ReducibleSpec,
    ReducibleUncertainty,
    Truncated,
    TruncatedSpec,
)
from vestige.rules.longterm_specs import LONG_TERM_RULES
from vestige.rules.memup_specs import SCORES, SELECTIONS, even_windows
from vestige.tasks.longterm import Recall

TASK = Recall(48)  # 50 steps
MODEL = RecurrentSpec()


def built(spec):
    return spec.build(MODEL, TASK)


def test_every_option_of_memup_reaches_it():
    options = {
        "rollout": 7,
        "targets": 3,
        "frequency": 2,
        "stride": 5,
        "horizon": 30,
        "current": False,
        "candidates": 40,
        "scan_chunk": 25,
        "average": 0.5,
        "clip": None,
    }
    parts = {"score": ReducibleSpec(0.3), "selection": GumbelTopKSpec(0.7)}
    assert {field.name for field in dataclasses.fields(MemUPSpec)} == options.keys() | parts.keys()
    rule = built(MemUPSpec(**options, **parts))
    assert isinstance(rule, MemUP)
    assert {name: getattr(rule, name) for name in options} == options
    assert rule.score == ReducibleUncertainty(0.3)
    assert rule.selection == GumbelTopK(0.7)
    assert built(MemUPSpec(selection=ImportanceSpec(2.0))).selection == Importance(2.0)


def test_no_more_is_read_at_a_time_than_a_sequence_has():
    assert built(MemUPSpec()).scan_chunk == 50
    assert built(MemUPSpec(scan_chunk=8)).scan_chunk == 8


@pytest.mark.parametrize(
    ("steps", "at_most", "size"), [(120, 100, 60), (50, 100, 50), (1000, 100, 100), (101, 100, 51), (7, 3, 3)]
)
def test_windows_are_as_few_and_as_even_as_can_be(steps, at_most, size):
    assert even_windows(steps, at_most) == size
    assert -(-steps // size) == -(-steps // at_most)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("selection", SELECTIONS)
def test_scores_and_selections_go_together(score, selection):
    rule = built(MemUPSpec(score=SCORES[score], selection=SELECTIONS[selection]))
    assert type(rule.score) is type(SCORES[score].build(TASK))
    assert type(rule.selection) is type(SELECTIONS[selection].build())


def test_the_oracle_takes_the_queries_of_the_task():
    score = built(MemUPSpec(score=OracleScoreSpec())).score
    assert isinstance(score, OracleScore)
    assert score.queries == TASK.queries


def test_the_other_rules():
    assert built(TruncatedSpec(rollout=7, clip=None)) == Truncated(7, None)
    assert built(RandomlyTruncatedSpec(rollout=7)) == RandomlyTruncated(7, 0.1, 8)
    assert built(RandomlyTruncatedSpec(rollout=7, cut=0.5, longest=3, clip=2.0)) == RandomlyTruncated(7, 0.5, 3, 2.0)
    assert built(BPTTSpec()) == Gradient(WholeSequence(50), 1.0)
    assert built(CheckpointedSpec(clip=None)) == Gradient(WholeSequence(50, 7), None)
    assert built(CheckpointedSpec(segment=9)) == Gradient(WholeSequence(50, 9), 1.0)
    chunks = built(ChunkParallelSpec(6, 2, chunks_at_once=4))
    assert isinstance(chunks, ChunkParallel)
    assert (chunks.memup.rollout, chunks.memup.targets, chunks.steps, chunks.chunks_at_once) == (6, 2, 50, 4)


def test_how_many_updates_work_through_a_batch():
    counted = {name: rule.updates_per_batch(TASK) for name, rule in LONG_TERM_RULES.items()}
    rolling = ("memup", "truncated", "random-targets", "oracle-targets", "randomly-truncated")
    assert counted == {name: 5 if name in rolling else 1 for name in LONG_TERM_RULES}
    assert MemUPSpec(10, stride=5).updates_per_batch(TASK) == 9  # rollouts at 0, 5, …, 40


@pytest.mark.parametrize("rule", LONG_TERM_RULES)
def test_they_need_a_memory_and_report_what_they_store(rule):
    spec = LONG_TERM_RULES[rule]
    assert (spec.needs, spec.reports_storage) == ("long-term memory", True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MemUPSpec(0), "rollout must be at least 1, got 0"),
        (lambda: MemUPSpec(clip=0.0), "clip must be positive, got 0"),
        (lambda: MemUPSpec(average=1.0), r"average must be in \[0, 1\), got 1"),
        (lambda: ReducibleSpec(-1.0), "curiosity must be at least 0, got -1"),
        (lambda: InformationGainSpec(-1.0), "curiosity must be at least 0, got -1"),
        (lambda: ImportanceSpec(0.0), "temperature must be positive, got 0"),
        (lambda: TruncatedSpec(rollout=0), "rollout must be at least 1, got 0"),
        (lambda: RandomlyTruncatedSpec(cut=1.0), r"cut must be in \[0, 1\), got 1"),
        (lambda: CheckpointedSpec(segment=0), "segment must be at least 1, got 0"),
        (lambda: ChunkParallelSpec(chunks_at_once=0), "chunks_at_once must be at least 1, got 0"),
        (lambda: built(CheckpointedSpec(segment=51)), r"segment must be in 1\.\.50, got 51"),
    ],
)
def test_what_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
