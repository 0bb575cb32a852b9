"""A Python that has numpy, tokenizers and onnxruntime, and neither torch nor transformers nor mtsmart."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

ALLOWED = ("numpy", "numpy.libs", "tokenizers", "onnxruntime", "flatbuffers", "google", "packaging")
PREDICT = """
import importlib.util, json, sys
folder, site, jobs = sys.argv[1:]
sys.path[:0] = [folder, site]
assert not any(map(importlib.util.find_spec, ("torch", "transformers", "mtsmart", "datasets")))
from answer import Model
model = Model(folder)
print(json.dumps([model.predict(job["task"], job["rows"]) for job in json.loads(open(jobs).read())]))
"""


def bare_site(folder: Path) -> Path:
    """A folder with links to the allowed packages alone."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    for name in ALLOWED:
        spec = importlib.util.find_spec(name) if "." not in name else None
        places = list(spec.submodule_search_locations or ()) if spec else []
        beside = [Path(path).parent for path in importlib.util.find_spec("numpy").submodule_search_locations]
        found = [Path(place) for place in places] or [place / name for place in beside if (place / name).is_dir()]
        if found and not (site / name).exists():
            (site / name).symlink_to(found[0])
    return site


def bare_python(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a Python that sees the standard library and what ``arguments`` add to its path."""
    command = [sys.executable, "-I", "-S", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, timeout=300)


def predicted_bare(scratch: Path, export: Path, jobs: list[dict]) -> list[list[dict]]:
    """What ``answer.py`` of an export predicts there: for each job (``task``, ``rows``) its predictions."""
    (scratch / "jobs.json").write_text(json.dumps(jobs))
    done = bare_python(scratch, "-c", PREDICT, export, bare_site(scratch), scratch / "jobs.json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def assert_equal_predictions(ours, theirs, where="") -> None:
    """The same keys, labels, spans and places; numbers that differ by rounding alone."""
    if isinstance(ours, float):
        assert abs(ours - theirs) <= 1e-4 + 1e-4 * abs(ours), where
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs), where
        for key, value in ours.items():
            assert_equal_predictions(value, theirs[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            assert_equal_predictions(*pair, f"{where}[{number}]")
    else:
        assert ours == theirs, where
