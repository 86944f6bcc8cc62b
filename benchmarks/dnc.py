"""The DNC memory under the stopwatch: one training update of a plain sequence learner.

    python benchmarks/dnc.py [--torch] [--updates 30] [--slots 32] ...

A sequence learner is an LSTM, a DNC memory and a linear output; the task is to say again what came before. One update
is loss, gradient through all steps and Adam on a batch. Compiled once, then timed: medians of CPU time (of all threads
of the process) and of wall time, in milliseconds. `--torch` times the same sizes in the `dnc` package on PyTorch in a
process of its own, where both can be imported (`--torch-python` names its interpreter).
"""

import argparse
import json
import statistics
import subprocess
import sys
import time


def timed(update, updates):
    """Median CPU and wall milliseconds of one call, after two calls not counted."""
    update(), update()
    cpu, wall = [], []
    for _ in range(updates):
        c, w = time.process_time(), time.perf_counter()
        update()
        cpu.append((time.process_time() - c) * 1e3)
        wall.append((time.perf_counter() - w) * 1e3)
    return {"cpu": statistics.median(cpu), "wall": statistics.median(wall)}


def vestige_side(settings):
    import equinox as eqx
    import jax
    import jax.numpy as jnp
    import optax

    from vestige.cells import LSTM
    from vestige.memory import DNC, AbstractMemory

    class Learner(eqx.Module):
        cell: LSTM
        memory: AbstractMemory
        output: eqx.nn.Linear

        def __call__(self, xs):
            def step(state, x):
                cell, memory = state
                cell, h = self.cell(cell, jnp.concatenate([x, self.memory.feedback(memory)]))
                context, memory, _ = self.memory.read(memory, h)
                return (cell, self.memory.write(memory, x, h)), context

            _, contexts = jax.lax.scan(step, (self.cell.init(), self.memory.init()), xs)
            return jax.vmap(self.output)(contexts)

    def make(key):
        keys = jax.random.split(key, 3)
        table = {"slots": settings.slots, "word_size": settings.word_size, "heads": settings.heads}
        memory = DNC(settings.width, settings.hidden, **table, key=keys[0])
        cell = LSTM(settings.width + memory.feedback_size, settings.hidden, key=keys[1])
        return Learner(cell, memory, eqx.nn.Linear(memory.context_size, settings.width, key=keys[2]))

    def loss(model, xs):
        logits = jax.vmap(model)(xs)[:, 1:]
        return jnp.mean(optax.sigmoid_binary_cross_entropy(logits, xs[:, :-1]))

    optimiser = optax.adam(1e-3)

    @eqx.filter_jit
    def update(model, state, xs):
        value, gradients = eqx.filter_value_and_grad(loss)(model, xs)
        updates, state = optimiser.update(gradients, state)
        return eqx.apply_updates(model, updates), state, value

    model = make(jax.random.key(0))
    state = optimiser.init(eqx.filter(model, eqx.is_inexact_array))
    shape = (settings.batch, settings.steps, settings.width)
    xs = jax.random.bernoulli(jax.random.key(1), 0.5, shape).astype(jnp.float32)
    began = time.perf_counter()
    compiled = update.lower(model, state, xs).compile()
    seconds = time.perf_counter() - began

    def once():
        nonlocal model, state
        model, state, value = compiled(model, state, xs)
        jax.block_until_ready(value)

    parameters = sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array)))
    return timed(once, settings.updates) | {"compile": seconds, "parameters": parameters}


def torch_side(settings):
    import torch

    sys.path.pop(0)  # this file has the name of the package
    from dnc import DNC

    torch.manual_seed(0)
    model = DNC(
        input_size=settings.width,
        hidden_size=settings.hidden,
        rnn_type="lstm",
        num_layers=1,
        num_hidden_layers=1,
        nr_cells=settings.slots,
        cell_size=settings.word_size,
        read_heads=settings.heads,
        batch_first=True,
    )
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    xs = torch.bernoulli(torch.full((settings.batch, settings.steps, settings.width), 0.5))

    def once():
        optimiser.zero_grad()
        logits = model(xs, (None, None, None), reset_experience=True, pass_through_memory=True)[0]
        torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 1:], xs[:, :-1]).backward()
        optimiser.step()

    return timed(once, settings.updates) | {"parameters": sum(p.numel() for p in model.parameters())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"steps": 25, "batch": 32, "slots": 32, "word-size": 32, "heads": 2, "hidden": 128, "width": 16}
    for name, default in (sizes | {"updates": 30}).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--torch", action="store_true", help="time the `dnc` package too")
    parser.add_argument("--torch-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    settings = parser.parse_args()
    if settings.worker:
        print(json.dumps(torch_side(settings)))
        return
    results = {"vestige": vestige_side(settings)}
    if settings.torch:
        command = [settings.torch_python, __file__, *sys.argv[1:], "--worker"]
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if answer.returncode:
            print("torch: not timed; it needs the packages torch and dnc under --torch-python (message above)")
        else:
            results["torch"] = json.loads(answer.stdout.splitlines()[-1])
    for side, result in results.items():
        print(f"{side:8}", ", ".join(f"{name} {value:.4g}" for name, value in result.items()))


if __name__ == "__main__":
    main()
