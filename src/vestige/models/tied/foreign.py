"""Classifiers of other packages as pairs: Equinox, scikit-learn, arrays, state dictionaries of PyTorch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from vestige import gate
from vestige.errors import UsageError, listed
from vestige.models.tied.bridge import from_arrays, from_mlp
from vestige.models.tied.pair import TiedPair

OTHERS = "its hidden units are no means of bits, so that there is nothing whose variance could be propagated"


def pair_of(model: Any, *, activation: str | None = None) -> TiedPair:
    """A trained classifier as a pair, its forward pass unchanged.

    **Arguments:**

    - `model`: an `eqx.nn.MLP`; a fitted `MLPClassifier` of scikit-learn; a dictionary of arrays as PyTorch's state
      dictionary of dense layers, `NAME.weight` (upper, lower) and `NAME.bias`; a `.safetensors` or `.npz` file of one.
    - `activation`: of the hidden units, `logistic` or `tanh`, where the model does not say it.

    **Returns:** the pair; one output is taken as the logit of the second of two classes.

    **Raises:** `UsageError` for another activation (with the reason), for layers that do not chain, and for anything
    else; `Unreadable` for a file.
    """
    if isinstance(model, str | Path):
        model = _read(Path(model))
    try:
        if isinstance(model, eqx.nn.MLP):
            return from_mlp(model)
        if hasattr(model, "coefs_") and hasattr(model, "out_activation_"):
            return _of_sklearn(model)
        if isinstance(model, Mapping):
            return _of_dictionary(model, activation)
    except ValueError as error:
        raise UsageError(str(error)) from error
    raise UsageError(
        f"model must be an eqx.nn.MLP, a fitted MLPClassifier, a dictionary of arrays, or a .safetensors or .npz file, "
        f"got {type(model).__name__}"
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".safetensors":
        return gate.read_safetensors(path).arrays
    if path.suffix == ".npz":
        return gate.read_npz(path)
    raise UsageError(
        f"{path}: a model must be a .safetensors or .npz file; pickles (.pt, .pth, .pkl, .joblib) can run any program "
        "and are not read: write safetensors.torch.save_file(model.state_dict(), FILE)"
    )


def _of_sklearn(model: Any) -> TiedPair:
    if model.out_activation_ not in ("softmax", "logistic"):
        raise UsageError(f"a classifier is needed, got an MLP with {model.out_activation_} outputs")
    if model.out_activation_ == "logistic" and model.n_outputs_ > 1:
        raise UsageError("a classifier with several labels at once is not calibrated; calibrate one label at a time")
    _check_activation(model.activation if len(model.coefs_) > 1 else "logistic")
    return from_arrays(model.coefs_, model.intercepts_, activation=model.activation)


def _of_dictionary(arrays: Mapping[str, Any], activation: str | None) -> TiedPair:
    arrays = {str(name): np.asarray(array, np.float64) for name, array in arrays.items()}
    weights = sorted((name for name, array in arrays.items() if array.ndim == 2), key=_in_order)
    if not weights:
        raise UsageError(f"the model holds no weights of dense layers, (upper, lower) each; it holds {listed(arrays)}")
    biases = [name[: -len("weight")] + "bias" if name.endswith("weight") else f"{name}.bias" for name in weights]
    absent = [bias for bias in biases if bias not in arrays]
    further = sorted(arrays.keys() - {*weights, *biases})
    if absent or further:
        what = f"lacks {listed(absent)}" if absent else f"also holds {listed(further)}"
        raise UsageError(
            f"the model {what}; every array must be the weight (upper, lower) or the bias (upper,) of a dense layer, "
            "named NAME.weight and NAME.bias"
        )
    if len(weights) > 1 and activation is None:
        raise UsageError("say what the hidden units compute: activation 'logistic' or 'tanh'")
    _check_activation(activation or "logistic")
    return from_arrays(
        [arrays[name].T for name in weights], [arrays[name] for name in biases], activation=activation or "logistic"
    )


def _check_activation(name: str) -> None:
    if name not in ("logistic", "tanh"):
        raise UsageError(f"activation must be 'logistic' or 'tanh', got '{name}': {OTHERS}. Train with one of these")


def _in_order(name: str) -> list[Any]:
    """Numbers in a name by their value: layer 10 comes after layer 2."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]
