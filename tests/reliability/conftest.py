"""A finished run, and a copy of it for each test that damages one."""

import shutil

import pytest

import mtsmart
from tests.reliability.refusals import CLASSIFICATION


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny_encoder):
    """A finished run, to be copied."""
    from tests.conftest import write_jsonl

    folder = tmp_path_factory.mktemp("trained")
    for name, texts in (("d", ("a red house", "blue")), ("v", ("red", "a blue house"))):
        rows = [{"text": text, "label": label} for text, label in zip(texts, ("red", "other"), strict=True)]
        write_jsonl(folder / f"{name}.jsonl", rows * 8)
    (folder / "t.yaml").write_text(
        f"color:\n  {CLASSIFICATION}  dataset: {{files: {{train: d.jsonl, validation: v.jsonl}}}}\n"
    )
    (folder / "e.yaml").write_text(
        f"task_files: [t.yaml]\ntasks: [color]\nencoder: {{path: {tiny_encoder}}}\n"
        "smart: tuned\nmbpp: tuned\ntraining: {epochs: 2, batch_size: 8, checkpoint_every: 2}\n"
    )
    mtsmart.train(folder / "e.yaml", output_dir=folder / "run")
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    shutil.copytree(trained / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"
