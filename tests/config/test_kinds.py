"""A file of another kind than a command reads: the message says what it is, and names the right command or level."""

import pytest

TASK = """a:
  task_type: classification
  dataset: {files: {train: d.csv}}
  text: [text]
  labels: [x, y]
"""
LINES = TASK.splitlines(keepends=True)
EXPERIMENT = "tasks: [a]\ntask_files: [a.yaml]\nencoder: {path: ./gone}\n"
FILES = {
    "a.yaml": TASK,
    "e.yaml": EXPERIMENT,
    "wrapped.yaml": "tasks:\n" + "".join(f"  {line}" for line in LINES),
    "bare.yaml": "".join(line[2:] for line in LINES[1:]),
    "flat.yaml": LINES[0] + "".join(line[2:] for line in LINES[1:]),
    "untyped.yaml": "description: mine\n" + "".join(line[2:] for line in LINES[2:]),
    "d.csv": "text,label\na,x\nb,y\nc,x\nd,y\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "runs" / "r").mkdir(parents=True)
    (tmp_path / "runs" / "r" / "config.yaml").write_text(EXPERIMENT)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (
            "train a.yaml",
            "a.yaml: is a file of tasks, and an experiment is wanted. 'mtsmart tasks check a.yaml' checks",
        ),
        ("train a.yaml", "To train, write an experiment with task_files: [a.yaml], tasks: [a] and encoder: {path: ..."),
        ("train bare.yaml", "bare.yaml: is a file of tasks, and an experiment is wanted"),
        (
            "tasks check e.yaml",
            "e.yaml: is an experiment, and a file of tasks is wanted. 'mtsmart train e.yaml' trains",
        ),
        ("tasks check wrapped.yaml", "wrapped.yaml:1: tasks: a file of tasks has their names at its top level. Leave"),
        (
            "tasks check bare.yaml",
            "bare.yaml:1: task_type: the settings of a task stand without its name. Write a name",
        ),
        ("tasks check untyped.yaml", "untyped.yaml:1: description: the settings of a task stand without its name"),
        (
            "tasks check flat.yaml",
            "flat.yaml:1: a: the settings of 'a' stand beside it, not below it. Indent the lines",
        ),
        (
            "tasks show a.yaml",
            "a.yaml: is a file of tasks, and the name of a task is wanted. Write mtsmart tasks show a",
        ),
        (
            "train runs/r",
            "runs/r: is the folder of a run, and an experiment is a YAML file. To train it again: mtsmart",
        ),
        ("train runs", "runs: is a folder, and an experiment is a YAML file"),
    ],
)
def test_a_file_of_another_kind_is_told(folder, cli, command, told):
    result = cli(*command.split())
    assert result.code == 2 and result.out == ""
    (line,) = result.err.splitlines()
    assert told in line


def test_tasks_may_be_called_as_keys_of_an_experiment_are(folder, cli):
    (folder / "a.yaml").write_text(TASK.replace("a:", "tasks:", 1) + TASK.replace("a:", "encoder:", 1))
    result = cli("tasks", "check", "a.yaml")
    assert (result.code, result.out) == (0, "2 task definitions are valid.\n"), result.err


def test_an_experiment_may_define_its_tasks_itself(folder, cli):
    (folder / "e.yaml").write_text(FILES["wrapped.yaml"] + "encoder: {path: ./gone}\n")
    assert "encoder.path: there is no such folder" in cli("train", "e.yaml").err
