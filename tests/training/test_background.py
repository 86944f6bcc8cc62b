import concurrent.futures
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.training.in_threads import each
from vestige.errors import RunError
from vestige.training import AbstractCallback, Cadence, Run, fit
from vestige.training import background as background_module
from vestige.training.background import Background
from vestige.training.checkpoints import Checkpoints
from vestige.training.leaves import named_leaves


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", fingerprint="a")


@pytest.fixture
def held_up(checkpoints, monkeypatch):
    """Writing waits for this event."""
    go_on, write = threading.Event(), checkpoints.begin

    def begin(*args, **kwargs):
        assert go_on.wait(60)
        return write(*args, **kwargs)

    monkeypatch.setattr(checkpoints, "begin", begin)
    return go_on


def test_what_is_written_is_the_state_as_it_was(checkpoints, held_up):
    background, weights = Background(checkpoints), jnp.arange(4.0)
    background.begin({"weights": weights, "name": "static"}, 3)
    assert background.done() == []
    assert checkpoints.steps() == []
    weights.delete()  # as the next update does
    held_up.set()
    assert background.settle() == [(3, [])]
    assert background.settle() == background.done() == []
    state, step, _ = checkpoints.restore({"weights": jnp.zeros(4), "name": "static"})
    np.testing.assert_array_equal(state["weights"], np.arange(4.0))
    assert step == 3
    background.close()


def test_one_at_a_time(checkpoints, held_up):
    background = Background(checkpoints)
    background.begin({"weights": jnp.zeros(2)}, 1)
    with pytest.raises(RuntimeError, match="checkpoint of update 1 is still under way"):
        background.begin({"weights": jnp.zeros(2)}, 2)
    held_up.set()
    background.close()
    assert checkpoints.steps() == [1]  # nobody asked for it, and it is whole
    assert checkpoints.fault(1) == ""


def test_an_error_is_that_of_the_run(checkpoints):
    checkpoints.folder.parent.mkdir(parents=True, exist_ok=True)
    background = Background(checkpoints)
    background.begin({"weights": jnp.zeros(2), "step": jnp.asarray(7)}, 7)
    assert background.settle()[0].step == 7
    checkpoints._need_space = lambda leaves: (_ for _ in ()).throw(OSError("no space left on the device"))
    background.begin({"weights": jnp.zeros(2)}, 8)
    with pytest.raises(RunError, match=r"cannot write a checkpoint to .*8: no space left on the device"):
        background.settle()
    assert background.settle() == []
    assert checkpoints.steps() == [7]
    background.close()


def test_updates_go_on_meanwhile(parts, tmp_path, monkeypatch):
    go_on, write, begun, ended = threading.Event(), Checkpoints.begin, [], []

    def begin(self, state, step, **more):
        begun.append(step)
        assert step != 20 or go_on.wait(60)
        return write(self, state, step, **more)

    class Releases(AbstractCallback):
        def on_log(self, record):
            if record["step"] == 30:
                ended.append(list(begun))
                go_on.set()

        def on_checkpoint(self, step, folder):
            ended.append(step)
            assert (folder / "manifest.json").is_file()

    monkeypatch.setattr(Checkpoints, "begin", begin)
    cadence = Cadence(log_every=10, checkpoint_every=20, evaluate_every=0)
    run = Run(tmp_path / "run")
    found = fit(**parts, steps=60, cadence=cadence, callbacks=[Releases()], run=run)
    assert begun == [20, 40, 60]
    assert ended == [[20], 20, 40, 60]  # update 30 came while the state after 20 was written
    monkeypatch.undo()
    again = fit(**parts, steps=60, cadence=cadence)
    for x, y in zip(jax.tree.leaves(found.state.optimiser), jax.tree.leaves(again.state.optimiser), strict=True):
        np.testing.assert_array_equal(x, y)
    earlier = Checkpoints(tmp_path / "run" / "checkpoints", fingerprint="").arrays(20)
    short = fit(**parts, steps=20, cadence=cadence)
    known = {name: leaf for name, leaf in named_leaves(short.state).items() if name.startswith("model")}
    assert known
    for name, leaf in known.items():
        np.testing.assert_array_equal(earlier[name], leaf)


def test_a_disk_that_fills_ends_the_run_at_the_checkpoint_before(parts, tmp_path, monkeypatch):
    need = Checkpoints._need_space

    def full(self, leaves):
        if self.steps():
            raise OSError("no space left on the device")
        need(self, leaves)

    monkeypatch.setattr(Checkpoints, "_need_space", full)
    cadence = Cadence(log_every=10, checkpoint_every=20, evaluate_every=0)
    with pytest.raises(RunError, match="cannot write a checkpoint to .*40: no space left on the device"):
        fit(**parts, steps=100, cadence=cadence, run=Run(tmp_path / "run"))
    monkeypatch.undo()
    found = fit(**parts, steps=100, cadence=cadence, run=Run(tmp_path / "run"))
    assert int(found.state.step) == 100


class Shares:
    """Stands for the checkpoints of three processes: each writes its share when its event comes, the leader seals."""

    def __init__(self, fails=-1):
        self.go_on, self.fails, self.threads = [threading.Event() for _ in range(3)], fails, {}

    def of(self, team):
        return SimpleNamespace(begin=lambda state, step, log: self._begin(team, step))

    def _begin(self, team, step):
        assert team.gathered(step) == [step] * 3  # an exchange, where all are at the same place
        begun = threading.current_thread()

        def end():
            assert threading.current_thread() is not begun
            assert self.go_on[team.rank].wait(60)
            if team.rank == self.fails:
                raise RunError(f"no space left for the share of {team.rank}")
            return ["set aside"] if team.leads else []

        return end


def test_processes_take_a_checkpoint_as_written_when_the_leader_has_sealed_it(teams):
    shares = Shares()

    def work(team):
        background, asked = Background(shares.of(team), team), []
        background.begin({"weights": jnp.zeros(2)}, 5)
        for rank in (2, 1, 0):
            asked.append(background.done())
            team.gathered("asked")
            shares.go_on[rank].set()
        asked.append(background.settle())
        background.close()
        return asked

    assert each(teams, work) == [[[], [], [], [(5, ["set aside"])]]] * 3


def test_a_share_that_cannot_be_written_is_said_before_the_leader_waits_for_it(teams):
    shares = Shares(fails=1)
    shares.go_on[1].set()

    def work(team):
        background = Background(shares.of(team), team)
        background.begin({"weights": jnp.zeros(2)}, 5)
        if team.rank != 1:
            return "goes on"
        concurrent.futures.wait([background._under_way])
        return background.done()

    first, failed, last = each(teams, work)
    for event in shares.go_on:
        event.set()
    assert (first, last) == ("goes on",) * 2
    assert str(failed) == "no space left for the share of 1"


def test_what_the_leader_cannot_seal_is_an_error_of_all(teams):
    """Also where nobody ends a process for the fault of another, as in a custom program."""
    shares = Shares(fails=0)
    for event in shares.go_on:
        event.set()

    def by_thread(team):
        background = Background(shares.of(team), team)
        background.begin({"weights": jnp.zeros(2)}, 5)
        while not background.done():
            team.gathered("not yet")

    def at_once(team):
        checkpoints = Checkpoints(Path("unused"), fingerprint="", team=team)
        checkpoints.begin = lambda state, step, log: shares.of(team).begin(state, step, log)
        with ThreadPoolExecutor(1) as main:  # `Shares` ends in another thread than it begins in
            end = main.submit(checkpoints.begin, {}, 5, "").result()
        checkpoints.begin = lambda state, step, log: end
        checkpoints.save({}, 5)

    for work in (by_thread, at_once):
        assert [str(error) for error in each(teams, work)] == ["no space left for the share of 0"] * 3


def test_a_process_does_not_wait_for_ever_for_one_that_is_gone(teams, monkeypatch):
    monkeypatch.setattr(background_module, "CLOSE_SECONDS", 0.05)
    shares = Shares()

    def work(team):
        background = Background(shares.of(team), team)
        background.begin({"weights": jnp.zeros(2)}, 5)
        background.close()
        return background.done()

    assert each(teams, work) == [[]] * 3
    for event in shares.go_on:
        event.set()
