"""Write byzfl.json: what byzfl 0.0.11 computes for a few small rounds, as an oracle for attacks and defenses.

    python -m pip install --no-deps --target build/byzfl byzfl==0.0.11
    PYTHONPATH=build/byzfl python tests/vectors/make_byzfl.py

byzfl's __init__ imports its benchmark, which needs torchvision; only `aggregators` and `attacks` are loaded here, past
it. Differences of definition, all handled by arguments: byzfl's Krum averages the n - f - 1 nearest distances (the
paper sums n - f - 2), its ALIE adds tau deviations (the paper's and ours subtract z), its sign flip turns the mean.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np


def load_byzfl() -> tuple[Any, Any]:
    """byzfl's aggregators and attacks, without running the package's __init__."""
    spec = importlib.util.find_spec("byzfl")
    if spec is None or spec.submodule_search_locations is None:
        raise SystemExit("byzfl is not on the path: see this file's docstring")
    package = types.ModuleType("byzfl")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["byzfl"] = package
    return importlib.import_module("byzfl.aggregators"), importlib.import_module("byzfl.attacks")


def make_case(n: int, f: int, size: int, seed: int) -> dict[str, Any]:
    """One round: honest and long, shifted updates, and byzfl's answers."""
    aggregators, attacks = load_byzfl()
    rng = np.random.default_rng(seed)
    rows = np.round(rng.standard_normal((n, size)) * rng.uniform(0.5, 2.0, (n, 1)) + rng.standard_normal(size), 6)
    rows[:f] += 3.0
    radius = float(np.round(np.median(np.linalg.norm(rows, axis=1)), 6))
    return {
        "f": f,
        "radius": radius,
        "updates": rows.tolist(),
        "coordinate_median": aggregators.Median()(rows).tolist(),
        "trimmed_mean": aggregators.TrMean(f=f)(rows).tolist(),
        "krum": aggregators.Krum(f=f)(rows).tolist(),
        "multi_krum": aggregators.MultiKrum(f=f)(rows).tolist(),
        "geometric_median": aggregators.GeometricMedian(nu=1e-6, T=2000)(rows).tolist(),
        "centered_clipping": aggregators.CenteredClipping(L=3, tau=radius)(rows).tolist(),
        "nnm": aggregators.NNM(f=f)(rows).tolist(),
        "clipping": aggregators.Clipping(c=radius)(rows.copy()).tolist(),
        "alie_1.5": attacks.ALittleIsEnough(tau=1.5)(rows).tolist(),
        "ipm_2": attacks.InnerProductManipulation(tau=2.0)(rows).tolist(),
        "sign_flip_of_mean": attacks.SignFlipping()(rows).tolist(),
        "mimic_1": attacks.Mimic(epsilon=1)(rows).tolist(),
    }


if __name__ == "__main__":
    cases = [make_case(7, 1, 5, 1), make_case(10, 3, 8, 2), make_case(9, 3, 3, 3), make_case(12, 2, 1, 4)]
    content = {"source": "byzfl 0.0.11", "command": "python tests/vectors/make_byzfl.py", "cases": cases}
    Path(__file__).with_name("byzfl.json").write_text(json.dumps(content, indent=1) + "\n")
