"""Devices, pipes, endless files, and code in a stranger's run: refused before they are read.

A pipe lets its reader wait for ever and a device never ends, so what is tested here would hang, not fail, without
the alarm.
"""

import json
import os
import signal
from pathlib import Path

import pytest

from mtsmart.errors import ConfigError, DataError
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.storage.durable import read_bytes, require_file
from mtsmart.sweeps import conclusions
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import Plan
from tests.reliability.refusals import assert_refused

NO_FILE = "It is no file, but a device or a pipe"


@pytest.fixture(autouse=True)
def impatient():
    def late(*_):
        raise TimeoutError("it waits for ever")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def make_pipe(file):
    file.unlink(missing_ok=True)
    os.mkfifo(file)


@pytest.mark.parametrize("path", ["/dev/zero", "pipe", "link", ".", "gone"])
def test_what_is_no_file_is_not_read(tmp_path, path):
    make_pipe(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="It is no file|Is a directory|No such file"):
        read_bytes(tmp_path / path, 10)


def test_a_file_is_read_up_to_the_limit(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    require_file(file)
    assert read_bytes(file, 5) == b"12345"
    with pytest.raises(ValueError, match="it is larger than 4 bytes"):
        read_bytes(file, 4)


@pytest.mark.parametrize("arguments", [["tasks", "check", "t.yaml"], ["tasks", "convert", "t.yaml"]])
def test_task_files(workspace, cli, arguments):
    make_pipe(workspace.folder / "t.yaml")
    assert_refused(cli(*arguments), f"t.yaml: cannot be read: {NO_FILE}")


@pytest.mark.parametrize("name", ["heads.json", "decoding.json", "manifest.json", "heads/color.safetensors"])
def test_model_files(run, cli, name):
    (run / "model" / "manifest.json").unlink()
    make_pipe(run / "model" / name)
    assert_refused(cli("evaluate", run), f"{name}: (is damaged|cannot be loaded): {NO_FILE}")


@pytest.mark.parametrize("name", ["config.yaml", "results.json"])
def test_run_files(run, cli, name):
    make_pipe(run / name)
    assert cli("evaluate", run).code == (2 if name == "config.yaml" else 0)


@pytest.mark.parametrize("name", ["manifest.json", "state.json", "optimizer.safetensors"])
def test_resume_points(trained, run, cli, name):
    for point in list_checkpoints(run / "checkpoints"):
        make_pipe(point / name)
    result = cli("train", trained / "e.yaml", "training.epochs=3", "-o", run, "--resume", "--allow-changes", "training")
    assert result.code == 2 and "No resume point is whole" in result.err


def test_sweeps(tmp_path, monkeypatch):
    make_pipe(tmp_path / "runs.jsonl")
    with pytest.raises(DataError, match=f"runs.jsonl: cannot be read: {NO_FILE}"):
        Ledger(tmp_path / "runs.jsonl")
    text = tmp_path / "conclusions.md"
    text.write_text("much")
    monkeypatch.setattr(conclusions, "_MAX_BYTES", 3)
    with pytest.raises(ConfigError, match="cannot be read: it is larger than 3 bytes"):
        conclusions.conclusions(Plan("s", [], [], text), {})


def test_code_in_a_strangers_run_is_not_run(run, cli):
    """Only who calls the command may allow it, not the run's own configuration."""
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("trust_remote_code: false", "trust_remote_code: true"))
    assert "trust_remote_code: true" in config.read_text()
    encoder = run / "model" / "encoder"
    (encoder / "evil.py").write_text(
        f"from pathlib import Path\nPath({str(run / 'hit')!r}).touch()\n"
        "from transformers import BertConfig, BertModel\n\n"
        "class EvilConfig(BertConfig):\n    model_type = 'evilbert'\n\n"
        "class EvilModel(BertModel):\n    config_class = EvilConfig\n"
    )
    settings = json.loads((encoder / "config.json").read_text())
    settings |= {"model_type": "evilbert", "auto_map": {"AutoConfig": "evil.EvilConfig", "AutoModel": "evil.EvilModel"}}
    (encoder / "config.json").write_text(json.dumps(settings))
    (run / "model" / "manifest.json").unlink()
    assert_refused(cli("finetune", run, "--task", "color", "-o", "o"), "cannot be loaded: .*contains custom code")
    assert not (run / "hit").exists() and not Path("o").exists()
