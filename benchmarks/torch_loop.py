"""Updates per second of the generative temporal model: Vestige against a plain PyTorch loop.

    python -m venv /tmp/torch && /tmp/torch/bin/pip install torch==2.13.0 numpy
    python benchmarks/torch_loop.py --torch-python /tmp/torch/bin/python

The same model (Introspection memory, `torch_model.py`), the same weights at the start, the same binary
batch, Adam and clipping, float32, on the same cores. PyTorch is no dependency of Vestige: it runs under
`--torch-python`, which needs torch and numpy only; Vestige runs under the interpreter that started this.

**Check.** Before anything is timed, Vestige's weights and noise are copied into PyTorch, at the first
weights and at weights after `TRAINED` updates: the loss must agree to 1e-4 and the gradient, clipped, to
1e-3 of its global norm; and the losses along `TRAJECTORY` updates by each side's own optimiser to 1e-4.
Where one does not, nothing is timed and the exit code is 1.

**Timing.** Two worker processes take turns and the other sleeps, so that their thread pools never meet.
Each round measures, for each PyTorch setting (variant x number of threads), N updates of one side and then
N of the other; the order alternates from round to round. An update draws its noise, forms loss and
gradient, clips and applies Adam; the batch is fixed and in place on both sides, and no loss is read back
until the block ends. Each block starts with one update that is not timed. The ratio is formed within a
pair, so that what else the machine does falls on both alike; absolute times are those of the machine then.
Quoted is the number of threads that is better for PyTorch. With two threads its small products wait for
each other at every operation, so that any third process on the cores makes them many times slower: see the
load, and the spread, before believing such a row. A PyTorch block longer than `BLOCK_LIMIT` is cut there
(the number after the row says how many were) and its updates are counted.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZES: dict[str, dict[str, Any]] = {
    "small": {"frame_shape": (8, 8), "latent_size": 12, "controller_size": 96, "width": 96},
    "mnist": {"frame_shape": (28, 28), "latent_size": 16, "controller_size": 128, "width": 256},
}
SLOTS, HEADS, BATCH, FRAMES = 15, 1, 32, 15
LEARNING_RATE, CLIP = 1e-3, 10.0
LOSS_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3
TRAINED, TRAJECTORY = 100, 5
BLOCK_LIMIT = 3.0  # seconds
VARIANTS, THREADS = ("plain", "outside"), (2, 1)
ADAM = {"default": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}


def versions(*names: str) -> dict[str, str]:
    return {"python": platform.python_version(), **{n: importlib.metadata.version(n) for n in names}}


class Stopwatch:
    """Wall-clock and CPU seconds (user + system, all threads of this process) of a `with` block."""

    def __enter__(self) -> "Stopwatch":
        self._cpu, self._wall = self._used(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = self._used() - self._cpu

    @staticmethod
    def _used() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime


class VestigeWorker:
    """Jitted updates with donation."""

    def __init__(self, size: str, seed: int, **_: Any):
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        import numpy as np
        import optax

        from vestige.memory import Introspection
        from vestige.models.temporal import elbo, gtmm
        from vestige.rules import Gradient
        from vestige.typing import Batch

        def memory(latent, controller, *, key):
            return Introspection(latent, controller, slots=SLOTS, heads=HEADS, key=key)

        shape = SIZES[size]["frame_shape"]
        key_model, self.key, self.key_check = jax.random.split(jax.random.key(seed), 3)
        model = gtmm(memory=memory, rematerialise=False, key=key_model, **SIZES[size])
        self.parameters, rest = eqx.partition(model, eqx.is_inexact_array)
        rule, optimiser = Gradient(elbo, clip=CLIP), optax.adam(LEARNING_RATE)
        self.optimiser, self.opt_state = optimiser, optimiser.init(self.parameters)
        frames = np.random.default_rng(seed).random((BATCH, FRAMES, *shape)) < 0.5
        self.x = jax.device_put(jnp.asarray(frames, jnp.float32))
        self.latent_size = model.latent_size

        def evaluate(parameters, key, x):
            return rule.step(eqx.combine(parameters, rest), None, Batch(x), key=key)

        def update(parameters, opt_state, key, x):
            key, used = jax.random.split(key)
            step = evaluate(parameters, used, x)
            updates, opt_state = optimiser.update(step.grads, opt_state, parameters)
            return optax.apply_updates(parameters, updates), opt_state, key, step.metrics["negative_bound"]

        self.evaluate = jax.jit(evaluate)
        self.update = jax.jit(update, donate_argnums=(0, 1, 2))

    def versions(self) -> dict[str, str]:
        return versions("vestige", "jax", "jaxlib", "equinox", "optax", "numpy")

    def noise(self, key):
        """What `Gradient` and `TemporalModel` draw from `key`: one key per row, then one per step."""
        import jax
        import jax.numpy as jnp

        def one(row, t):
            return jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, row), t), (self.latent_size,))

        rows, steps = jnp.arange(BATCH), jnp.arange(FRAMES)
        return jax.vmap(lambda row: jax.vmap(lambda t: one(row, t))(steps))(rows)

    @staticmethod
    def named(tree) -> dict[str, Any]:
        """Weights, or a gradient, under PyTorch's names and in its layout."""
        inputs = tree.controller.weight.shape[0] - tree.controller.output_size
        encoder, decoder = tree.encoder.layers, (*tree.decoder.layers, tree.decoder.output)
        network = tree.posterior.network
        linears = {
            "encoder.0": encoder[0],
            "encoder.2": encoder[1],
            "interface": tree.memory.interface,
            "prior.0": tree.prior.hidden,
            "prior.2": tree.prior.output,
            "from_features": network.from_features,
            "from_context": network.from_context,
            "posterior_output": network.output,
            "decoder.0": decoder[0],
            "decoder.2": decoder[1],
            "decoder.4": decoder[2],
        }
        arrays = {
            "cell.weight_ih": tree.controller.weight[:inputs].T,
            "cell.weight_hh": tree.controller.weight[inputs:].T,
            "cell.bias_ih": tree.controller.bias,
        }
        for name, linear in linears.items():
            arrays[f"{name}.weight"] = linear.weight
            if linear.bias is not None:
                arrays[f"{name}.bias"] = linear.bias
        return arrays

    def export(self, file: str) -> dict[str, Any]:
        """Write what PyTorch must reproduce: weights, noise, losses and gradients."""
        import jax
        import jax.numpy as jnp
        import numpy as np
        import optax

        content: dict[str, Any] = {"x": self.x}

        def point(name: str, parameters) -> None:
            step = self.evaluate(parameters, self.key_check, self.x)
            content[f"{name}/noise"] = self.noise(self.key_check)
            content[f"{name}/loss"] = step.metrics["negative_bound"]
            content.update({f"{name}/weights/{n}": a for n, a in self.named(parameters).items()})
            content.update({f"{name}/gradient/{n}": a for n, a in self.named(step.grads).items()})

        point("first", self.parameters)
        count = sum(leaf.size for leaf in jax.tree.leaves(self.parameters))
        trained = jax.tree.map(jnp.copy, (self.parameters, self.opt_state, self.key))
        with Stopwatch() as first:
            jax.block_until_ready(trained := self.update(*trained, self.x)[:3])
        for _ in range(TRAINED - 1):
            trained = self.update(*trained, self.x)[:3]
        point("trained", trained[0])

        parameters, opt_state, noises, losses = self.parameters, self.opt_state, [], []
        for key in jax.random.split(self.key_check, TRAJECTORY):
            step = self.evaluate(parameters, key, self.x)
            updates, opt_state = self.optimiser.update(step.grads, opt_state, parameters)
            parameters = optax.apply_updates(parameters, updates)
            noises.append(self.noise(key))
            losses.append(step.metrics["negative_bound"])
        content["trajectory/noise"], content["trajectory/loss"] = jnp.stack(noises), jnp.stack(losses)
        np.savez(file, **{name: np.asarray(a) for name, a in content.items()})
        return {"parameters": count, "first_update_s": first.wall}

    def measure(self, updates: int) -> dict[str, float]:
        import jax

        state = (self.parameters, self.opt_state, self.key)
        state = jax.block_until_ready(self.update(*state, self.x))[:3]
        loss = None
        with Stopwatch() as watch:
            for _ in range(updates):
                *state, loss = self.update(*state, self.x)
            jax.block_until_ready((state, loss))
        self.parameters, self.opt_state, self.key = state
        return {"updates": updates, "wall": watch.wall, "cpu": watch.cpu, "loss": float(loss)}


class TorchWorker:
    """One model and optimiser per variant."""

    def __init__(self, size: str, seed: int, adam: str, file: str, **_: Any):
        import numpy as np
        import torch

        self.torch, self.size, self.adam = torch, size, adam
        torch.manual_seed(seed)
        self.content = np.load(file)
        self.x = torch.from_numpy(self.content["x"])
        self.sides: dict[str, tuple] = {}

    def versions(self) -> dict[str, str]:
        return versions("torch", "numpy")

    def _model(self, point: str):
        """A model with the exported weights, every one of them, and its optimiser."""
        from torch_model import TorchGTMM

        model = TorchGTMM(slots=SLOTS, heads=HEADS, **SIZES[self.size])
        trainable = model.trainable()
        prefix = f"{point}/weights/"
        given = {n.removeprefix(prefix): self.content[n] for n in self.content if n.startswith(prefix)}
        if given.keys() != trainable.keys():
            raise SystemExit(f"the two models differ in {sorted(given.keys() ^ trainable.keys())}")
        with self.torch.no_grad():
            for name, parameter in trainable.items():
                if parameter.shape != given[name].shape:
                    raise SystemExit(f"{name}: {tuple(parameter.shape)} here, {given[name].shape} in Vestige")
                parameter.copy_(self.torch.from_numpy(given[name].copy()))
        parameters = list(trainable.values())
        return model, parameters, self.torch.optim.Adam(parameters, lr=LEARNING_RATE, **ADAM[self.adam])

    def _update(self, variant: str, side, noise=None):
        model, parameters, optimiser = side
        optimiser.zero_grad()
        loss = model.loss(variant, self.x, noise)
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        optimiser.step()
        return loss.detach()

    def check(self) -> dict[str, Any]:
        """Relative disagreement with Vestige, per variant."""
        import numpy as np

        report: dict[str, Any] = {}
        for variant in VARIANTS:
            errors = report[variant] = {}
            for point in ("first", "trained"):
                side = self._model(point)
                noise = self.torch.from_numpy(self.content[f"{point}/noise"])
                loss = self._update(variant, side, noise).item()
                wanted = float(self.content[f"{point}/loss"])
                errors[f"{point} loss"] = abs(loss - wanted) / abs(wanted)
                missed, norm, worst = 0.0, 0.0, 0.0
                for name, parameter in side[0].trainable().items():
                    gradient = self.content[f"{point}/gradient/{name}"].astype(np.float64)
                    one = float(np.sum((parameter.grad.numpy() - gradient) ** 2))
                    missed, norm = missed + one, norm + float(np.sum(gradient**2))
                    worst = max(worst, (one / max(float(np.sum(gradient**2)), 1e-30)) ** 0.5)
                errors[f"{point} gradient"] = (missed / norm) ** 0.5
                errors[f"{point} worst gradient"] = worst
            side, losses = self._model("first"), []
            for noise in self.content["trajectory/noise"]:
                losses.append(self._update(variant, side, self.torch.from_numpy(noise)).item())
            wanted = self.content["trajectory/loss"]
            errors["trajectory loss"] = float(np.max(np.abs(np.array(losses) - wanted) / np.abs(wanted)))
            self.sides[variant] = self._model("first")
        return report

    def measure(self, updates: int, variant: str, threads: int) -> dict[str, float]:
        self.torch.set_num_threads(threads)
        side = self.sides[variant]
        loss = self._update(variant, side)
        done, end = 0, time.perf_counter() + BLOCK_LIMIT
        with Stopwatch() as watch:
            while done < updates and (done == 0 or time.perf_counter() < end):
                loss = self._update(variant, side)
                done += 1
        return {"updates": done, "wall": watch.wall, "cpu": watch.cpu, "loss": loss.item()}


def serve(kind: str, options: dict[str, Any]) -> None:
    """Be a worker: one JSON object per line in, one out."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints must not reach the channel
    worker = {"vestige": VestigeWorker, "torch": TorchWorker}[kind](**options)
    for line in sys.stdin:
        request = json.loads(line)
        channel.write(json.dumps(getattr(worker, request.pop("do"))(**request)) + "\n")
        channel.flush()


class Worker:
    """A worker process, seen from the parent."""

    def __init__(self, kind: str, python: str, **options: Any):
        command = [python, __file__, "--worker", kind, "--options", json.dumps(options)]
        environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
        self.kind = kind
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, do: str, **arguments: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(
                f"the {self.kind} worker died; its message is above. The torch worker needs torch and numpy "
                "under --torch-python, the vestige worker needs Vestige under this interpreter."
            )
        return json.loads(answer)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def print_check(report: dict[str, Any]) -> bool:
    """Print the disagreements; True where all are within tolerance."""
    good = True
    for variant, errors in report.items():
        shown = []
        for name, value in errors.items():
            limit = GRADIENT_TOLERANCE if name.endswith("gradient") else LOSS_TOLERANCE
            fine = value <= limit or "worst" in name  # NaN is not fine; per tensor is for the eye
            good = good and fine
            shown.append(f"{name} {value:.1e}{'' if fine else ' FAILS'}")
        print(f"  check {variant:8s} {', '.join(shown)}")
    return good


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def per_update(block: dict[str, Any], what: str) -> float:
    """Milliseconds."""
    return 1e3 * block[what] / block["updates"]


def benchmark(size: str, options: argparse.Namespace) -> dict[str, Any]:
    """Check, then time, one size."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "check.npz")
        vestige = Worker("vestige", sys.executable, size=size, seed=options.seed)
        about = vestige("export", file=file)
        here = {"size": size, "seed": options.seed}
        torch = Worker("torch", options.torch_python, adam=options.adam, file=file, **here)
        seen = {"vestige": vestige("versions"), "torch": torch("versions")}
        report = torch("check")
    print(f"\n{size}: {SIZES[size]}, {about['parameters']} parameters")
    for name, packages in seen.items():
        print(f"  {name:8s} {', '.join(f'{package} {version}' for package, version in packages.items())}")
    result = {"size": SIZES[size], **about, "versions": seen, "check": report}
    if not print_check(report):
        vestige.close()
        torch.close()
        print("  the two models disagree: nothing is timed")
        return {**result, "passed": False}
    print(f"  vestige compiles its update in {about['first_update_s']:.1f} s, once")

    settings = [(variant, threads) for variant in VARIANTS for threads in options.threads]
    for variant, threads in settings:  # warm-up
        vestige("measure", updates=3)
        torch("measure", updates=3, variant=variant, threads=threads)
    pairs: dict[str, list[dict[str, Any]]] = {f"{v}, {n} threads": [] for v, n in settings}
    for round_ in range(options.rounds):
        for variant, threads in settings:
            pair: dict[str, Any] = {}
            for side in ("vestige", "torch") if round_ % 2 == 0 else ("torch", "vestige"):
                if side == "vestige":
                    pair[side] = vestige("measure", updates=options.updates)
                else:
                    pair[side] = torch("measure", updates=options.updates, variant=variant, threads=threads)
            pairs[f"{variant}, {threads} threads"].append(pair)
    vestige.close()
    torch.close()

    blocks = {"vestige": [pair["vestige"] for of in pairs.values() for pair in of]}
    blocks |= {f"torch {name}": [pair["torch"] for pair in of] for name, of in pairs.items()}
    table = {}
    for name, of in blocks.items():
        table[name] = {
            "ms": spread([per_update(block, "wall") for block in of]),
            "cpu_ms": spread([per_update(block, "cpu") for block in of]),
            "cut": sum(block["updates"] < options.updates for block in of),
            "last_loss": of[-1]["loss"],
        }
    for name, of in pairs.items():
        ratios = [per_update(pair["torch"], "wall") / per_update(pair["vestige"], "wall") for pair in of]
        cpu = [per_update(pair["torch"], "cpu") / per_update(pair["vestige"], "cpu") for pair in of]
        table[f"torch {name}"] |= {"ratio": spread(ratios), "cpu_ratio": spread(cpu)}
    heading = f"  {'per update':26s}{'ms, median (min-max)':>26s}{'CPU ms':>10s}"
    print(f"{heading}{'torch / vestige (min-max)':>28s}{'CPU':>8s}")
    for name, row in table.items():
        ms, ratio = row["ms"], row.get("ratio")
        line = f"  {name:26s}{ms['median']:10.2f} ({ms['min']:.2f}-{ms['max']:.2f})".ljust(54)
        line += f"{row['cpu_ms']['median']:10.2f}"
        if ratio:
            line += f"{ratio['median']:12.2f} ({ratio['min']:.2f}-{ratio['max']:.2f})".ljust(28)
            line += f"{row['cpu_ratio']['median']:8.2f}"
        if row["cut"]:
            line += f"  cut: {row['cut']}"
        print(line)
    quoted = {}
    for variant in VARIANTS:
        best = min(
            (f"torch {variant}, {threads} threads" for threads in options.threads),
            key=lambda name: table[name]["ratio"]["median"],
        )
        quoted[variant] = {"setting": best, "ratio": table[best]["ratio"]["median"]}
        print(f"  quoted: {best}: {table[best]['ratio']['median']:.2f} times Vestige's time per update")
    return {**result, "passed": True, "table": table, "quoted": quoted, "pairs": pairs}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--updates", type=int, default=20, help="N, the updates of one block")
    parser.add_argument("--threads", type=int, nargs="+", default=list(THREADS), help="PyTorch's")
    parser.add_argument("--adam", choices=list(ADAM), default="fused", help="PyTorch's")
    parser.add_argument("--cores", type=int, default=2, help="both sides are confined to this many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    parser.add_argument("--worker", choices=["vestige", "torch"], help=argparse.SUPPRESS)
    parser.add_argument("--options", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        serve(options.worker, options.options)
        return 0
    if min(options.rounds, options.updates, options.cores, *options.threads) < 1:
        parser.error("--rounds, --updates, --cores and --threads must be at least 1")

    cores = None
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))[: options.cores]
        os.sched_setaffinity(0, cores)  # the workers inherit it
    names = ("XLA_FLAGS", "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS")
    settings = {name: os.environ[name] for name in names if name in os.environ}
    about = {
        "command": shlex.join(["python", *sys.argv]),
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu_count": os.cpu_count(),
        "cores": cores,
        "load before": [round(load, 2) for load in os.getloadavg()],
        "environment": settings,
        "seed": options.seed,
        "adam": options.adam,
        "rounds": options.rounds,
        "updates": options.updates,
        "batch": [BATCH, FRAMES],
        "slots": SLOTS,
        "heads": HEADS,
    }
    for name, value in about.items():
        print(f"{name}: {value}")
    results = {size: benchmark(size, options) for size in options.sizes}
    about["load after"] = [round(load, 2) for load in os.getloadavg()]
    print(f"\nload after: {about['load after']}")
    if options.json:
        options.json.write_text(json.dumps({**about, "results": results}, indent=1) + "\n")
    return 0 if all(result["passed"] for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
