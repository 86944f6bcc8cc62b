"""The exchanges of a team, in threads around a store of this process. tests/runs has real processes."""

import json
import threading
import time
from types import SimpleNamespace

import pytest

from tests.training.in_threads import each
from vestige.errors import RunError, UsageError
from vestige.training.processes import FAULT, Lost, Processes
from vestige.training.refusal import Refused


def test_the_leader_alone_makes_what_is_shared(teams):
    made = []
    assert each(teams, lambda team: team.shared(lambda: made.append(team.rank) or {"by": team.rank})) == [{"by": 0}] * 3
    assert made == [0]
    assert [team.leads for team in teams] == [True, False, False]


def test_values_are_gathered_by_rank_and_forgotten_when_all_have_read_them(teams):
    def work(team):
        time.sleep(0.02 * team.rank)
        first = [team.gathered(f"{turn} of {team.rank}") for turn in range(3)]
        return first, [team.shared(lambda turn=turn: turn) for turn in range(4)], team.gathered(None)

    for found in each(teams, work):
        assert found[0] == [[f"{turn} of {rank}" for rank in range(3)] for turn in range(3)]
        assert found[1:] == ([0, 1, 2, 3], [None] * 3)
    left = {name.split("/")[1] for name in teams[0]._client.values}
    assert left == {"8"}


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (UsageError("the folder exists"), UsageError, "the folder exists"),
        (Refused("too small"), Refused, "too small"),
        (KeyError("x"), RunError, "KeyError: 'x'"),
    ],
)
def test_an_error_of_the_leader_is_raised_in_all(teams, error, kind, said):
    def fails():
        raise error

    first, *others = each(teams, lambda team: team.shared(fails))
    assert first is error
    assert [(type(other), str(other)) for other in others] == [(kind, said)] * 2


def test_who_waits_hears_of_a_process_that_failed(teams):
    def work(team):
        if team.rank == 1:
            assert team.fail("no data here", 2)
            return None
        return team.gathered("ready")

    first, _, third = each(teams, work)
    for error in (first, third):
        assert isinstance(error, Lost)
        assert str(error) == "process 1 of 3 ended: no data here"
        assert error.exit_code == 2
    assert not teams[2].fail("later", 1), "the first word counts"
    assert json.loads(teams[0]._client.values[FAULT])["said"] == "no data here"


def test_a_broken_connection_is_told_from_other_errors(teams):
    broken = ValueError("UNKNOWN: Gloo all-reduce failed: Connection closed by peer [127.0.0.1]:42690")
    assert teams[0].lost(ValueError("shapes do not match")) == ""
    assert teams[0].lost(UsageError("Socket closed")) == ""
    assert (
        teams[0].lost(broken).startswith("one of the 3 processes of this run is gone (UNKNOWN: Gloo all-reduce failed")
    )
    teams[2].fail("out of memory", 1)
    assert teams[0].lost(broken) == "process 2 of 3 ended: out of memory"


def test_a_fault_of_another_process_is_watched_for(teams):
    seen = []
    watching = [team.watch(lambda fault, rank=team.rank: seen.append((rank, fault["rank"]))) for team in teams]
    teams[1].fail("gone", 1)
    for thread in watching:
        thread.join(5)
    assert sorted(seen) == [(0, 1), (2, 1)]


def test_jax_must_be_initialised(monkeypatch):
    import jax._src.distributed as private

    monkeypatch.setattr(private, "global_state", SimpleNamespace(client=None))
    with pytest.raises(ValueError, match=r"jax.distributed.initialize must be called"):
        Processes()


def test_the_store_of_jax_has_the_methods_that_are_used():
    from jax._src.lib import _jax

    for name in ("key_value_set", "key_value_try_get", "blocking_key_value_get", "key_value_delete", "wait_at_barrier"):
        assert callable(getattr(_jax.DistributedRuntimeClient, name))


def test_who_ends_a_process_waits_for_its_checkpoint(teams):
    leader = teams[0]
    begun, go_on = threading.Event(), threading.Event()

    def complete():
        with leader.writing:
            begun.set()
            assert go_on.wait(60)

    thread = threading.Thread(target=complete)
    thread.start()
    assert begun.wait(60)
    assert not leader.written(0.01)
    go_on.set()
    assert leader.written(60.0)
    thread.join()
    assert not leader.written(0.01)  # nor does another one begin
