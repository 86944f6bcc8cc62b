"""The page that lies beside exported weights: what they are, and how to load them."""

from collections.abc import Mapping
from typing import Any

LICENCE = "not stated"
TOKEN = "```"


def readme(card: Mapping[str, Any]) -> str:
    """The card of an export as a page.

    **Arguments:**

    - `card`: as `vestige.runs.exporting.export` returns it.

    **Returns:** Markdown.
    """
    parts = [
        f"# {card['name']}",
        f"A model `{card['model']}` of the experiment `{card['experiment']}` of Vestige {card['versions']['vestige']}: "
        f"{card['says']}. Trained by the rule `{card['rule']}` for {card['update']:,} updates, seed {card['seed']}; "
        f"{card['parameters']:,} parameters.",
        f"Licence of the weights: {card['licence']}.",
        "## Data",
        _data(card["data"]),
        "## Numbers",
        _numbers(card["metrics"]),
        "## Load it",
        f"{TOKEN}python\nimport vestige\n\nrun = vestige.load('THIS FOLDER')\nrun.model{_usable(card)}\n{TOKEN}",
        "`weights.safetensors` holds every array of the model by its path; `config.yaml` says how the model is built, "
        "`fitted.json` what was fitted on the training data. `card.json` holds the digests of all files.",
    ]
    return "\n\n".join([*parts, *_program(card["program"])]) + "\n"


def _usable(card: Mapping[str, Any]) -> str:
    return '\nrun.predict("FILE.csv")  # and run.score' if card["predicts"] else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _data(data: Any) -> str:
    if isinstance(data, str):
        return f"{data.capitalize()}."
    lines = []
    for record in data:
        name = record.get("dataset") or record.get("path") or record.get("option")
        lines.append(f"- `{name}`, SHA-256 `{record['sha256']}`")
    return "\n".join(lines)


def _numbers(metrics: Mapping[str, Any] | None) -> str:
    if not metrics:
        return "None: the run was not at its end."
    rows = [f"| {name} | {value:.4g} |" for name, value in metrics.items() if value is not None]
    return "\n".join(["On the held-out data:", "", "| metric | value |", "|---|---|", *rows])


def _program(program: Mapping[str, Any] | None) -> list[str]:
    if program is None:
        return ["## Without Vestige", "This model has no program of its own; use it in Python."]
    inputs = [f"| `{name}` | {each['form']} | {_cell(each['holds'])} |" for name, each in program["inputs"].items()]
    outputs = [f"| `{name}` | {_cell(holds)} |" for name, holds in program["outputs"].items()]
    code = [
        "import numpy as np",
        "from jax import export",
        "",
        f'program = export.deserialize(bytearray(open("{program["file"]}", "rb").read()))',
        f'example = np.load("{program["example"]}")',
        'inputs = [example[name] for name in example if name.startswith("in.")]',
        "outputs = program.call(*inputs)",
        'for name, found in zip([name for name in example if name.startswith("out.")], outputs):',
        "    np.testing.assert_allclose(found, example[name], rtol=1e-3, atol=1e-4)",
    ]
    return [
        "## Without Vestige",
        f"{program['says']} `{program['file']}` is StableHLO as `jax.export` writes it, for "
        f"{', '.join(program['platforms'])}; JAX alone runs it. `{program['example']}` holds inputs and outputs of one "
        "call.",
        "\n".join([f"{TOKEN}python", *code, TOKEN]),
        "\n".join(["| input | form | holds |", "|---|---|---|", *inputs]),
        "\n".join(["| output | holds |", "|---|---|", *outputs]),
        "Scales, means and `changes` are in `fitted.json`, where the run has fitted any.",
    ]
