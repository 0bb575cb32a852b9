"""A report is one page that needs nothing else, shows texts as texts, and says what it cannot show."""

import json
import os
import re
import socket
from html.parser import HTMLParser

import pytest
import yaml
from safetensors.torch import load_file, save_file
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

import mtsmart
from mtsmart.reporting.report import writing
from tests.conftest import write_jsonl

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "terminal": "\x1b[2J\x1b]0;owned\x07 red \u202egnp.exe",
    "long": "word " * 200_000,
    "hebrew": "\u05e9\u05dc\u05d5\u05dd (red) 123",
    "template": "{{ 7 * 7 }} {% raw %} $x^2$ &lt;b&gt;",
}


class Page(HTMLParser):
    """The elements of a page, and its text as a reader sees it."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.attributes = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def read_page(file):
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    assert not {"script", "iframe", "img", "link", "object", "embed", "base", "form"} & set(page.elements)
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in ("href", "xlink:href", "src", "action") or value.startswith("#"), (tag, name, value)
        assert not re.search(r"url\((?!#)", value), (tag, value)
    assert "\x1b" not in text and "\u202e" not in text and "{{" not in re.sub(r"\{\{ 7 \* 7 \}\}", "", page.text)
    return page


@pytest.fixture
def reports_on(monkeypatch):
    monkeypatch.delenv("MTSMART_REPORTS")


def rows_of(folder, task):
    return [json.loads(line) for line in (folder / f"{task}_validation.jsonl").read_text().splitlines()]


def test_figures_in_detail_are_those_of_scikit_learn(trained_run, workspace):
    run = mtsmart.load(trained_run())
    details = run.evaluate(details=True).tasks["color"].details
    rows = rows_of(workspace.folder, "color")
    gold = [row["label"] for row in rows]
    found = run.predict("color", rows)
    labels = ["other", "red"]
    predicted = [row["prediction"] for row in found]
    expected = precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
    for index, label in enumerate(labels):
        counts = details.labels[label]
        assert [counts.precision, counts.recall, counts.f1, counts.gold] == pytest.approx([e[index] for e in expected])
    assert details.confusion.counts.tolist() == confusion_matrix(gold, predicted, labels=labels).tolist()
    wrong = {number for number, (g, p) in enumerate(zip(gold, predicted, strict=True), 1) if g != p}
    assert {row.row for row in details.errors} == wrong and details.wrong == len(wrong)
    for row in (*details.errors, *details.suspects):
        assert row.texts == {"text": rows[row.row - 1]["text"]}
        assert (row.gold, row.prediction) == (gold[row.row - 1], predicted[row.row - 1])
        assert row.probability == pytest.approx(found[row.row - 1][f"p({row.prediction})"])
    assert [row.cost for row in details.errors] == sorted((row.cost for row in details.errors), reverse=True)


def test_a_report_shows_the_run_and_its_temperature_serves_predict(trained_run, workspace, cli, tmp_path):
    run = trained_run()
    rows = rows_of(workspace.folder, "color")
    arguments = ["predict", run, "--task", "color", "--input", workspace.folder / "color_validation.jsonl"]
    assert "report RUN" in cli(*arguments, "--calibrated").err
    result = cli("report", run, "--figures", tmp_path / "pictures", "--figure-format", "png")
    assert (result.code, result.out) == (0, f"The report is {run / 'report.html'}\n")
    page = read_page(run / "report.html")
    for part in ("score", "Confusions", "Calibration", "Costliest errors", "color", "near", "flips", "Configuration"):
        assert part in page.text
    assert page.elements.count("svg") > 8
    pictures = sorted(file.name for file in (tmp_path / "pictures").iterdir())
    assert {"color-confusion.png", "color-reliability.png", "color-scores.png", "near-loss.png"} <= set(pictures)
    stored = json.loads((run / "calibration.json").read_text())
    assert list(stored["tasks"]) == ["color"]  # Numbers have no probabilities.
    temperature = stored["tasks"]["color"]["temperature"]
    plain, calibrated = (
        [json.loads(line) for line in cli(*arguments, *more).out.splitlines()] for more in ([], ["--calibrated"])
    )
    assert [row["prediction"] for row in plain] == [row["prediction"] for row in calibrated]
    odds = [row["p(red)"] / row["p(other)"] for row in plain]
    assert [row["p(red)"] / row["p(other)"] for row in calibrated] == pytest.approx(
        [o ** (1 / temperature) for o in odds], rel=1e-4
    )
    assert len(rows) == len(plain)
    assert cli("report", run).code == 0  # It replaces itself.


def test_a_task_without_probabilities_needs_no_temperature(trained_run, cli, workspace):
    arguments = ["predict", trained_run(), "--task", "near", "--input", workspace.folder / "near_validation.jsonl"]
    plain, calibrated = (cli(*arguments, *more) for more in ([], ["--calibrated"]))
    assert plain.code == calibrated.code == 0, calibrated.err
    assert plain.out == calibrated.out


def test_temperatures_of_other_weights_or_of_no_run_are_refused(trained_run, cli, workspace):
    run = trained_run()
    arguments = [
        "predict",
        run,
        "--task",
        "color",
        "--calibrated",
        "--input",
        workspace.folder / "color_validation.jsonl",
    ]
    for content, said in {
        '{"model": "0", "tasks": {}}': "was fitted for other weights than the run has now",
        '{"model": "0", "tasks": {"color": {"temperature": 0}}}': "tasks.color.temperature: is damaged",
        "[1": "is damaged",
        "[" * 200_000: "is damaged: it is nested too deeply",
    }.items():
        (run / "calibration.json").write_text(content)
        result = cli(*arguments)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        assert "calibration.json" in result.err and said in result.err


def test_hostile_texts_and_labels_are_shown_as_text(workspace, reports_on, cli, monkeypatch):
    """A training writes the report at its end."""
    labels = ["<b>bold</b>", "\x1b[31mred\u202e"]
    texts = [*HOSTILE.values(), "a dog"]
    for split in ("train", "validation"):
        rows = [{"text": text, "label": label} for text in texts for label in labels]
        write_jsonl(workspace.folder / f"color_{split}.jsonl", rows)
    tasks = yaml.safe_load(workspace.tasks.read_text())
    tasks = {"color": {**tasks["color"], "labels": labels, "metrics": ["accuracy"], "description": HOSTILE["script"]}}
    workspace.tasks.write_text(yaml.safe_dump(tasks))
    settings = [
        "tasks=[color]",
        f"description={json.dumps(HOSTILE['script'])}",
        "training.max_updates=1",
        "smart=off",
        "mbpp=off",
    ]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run")
    file = run.path / "report.html"
    page = read_page(file)
    assert file.stat().st_size < 1_000_000
    assert HOSTILE["script"] in page.text and HOSTILE["template"] in page.text and HOSTILE["hebrew"] in page.text
    assert "\\x1b[2J\\x1b]0;owned\\x07 red \\u202egnp.exe" in page.text
    assert "<b>bold</b>" in page.text and "\\x1b[31mred\\u202e" in page.text
    assert "more characters)" in page.text
    assert page.attributes.count(("bdi", "dir", "auto")) > 10
    result = cli("evaluate", run.path, "--details")
    assert result.code == 0 and "\x1b[2J" not in result.out and "\u202e" not in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    details = json.loads(cli("evaluate", run.path, "--details", "--json").out)["details"]["color"]
    assert {text for row in details["errors"] for text in row["texts"].values()} == set(texts)


def test_a_finished_run_that_is_resumed_gets_its_report_unless_it_is_switched_off(trained_run, workspace, reports_on):
    run = trained_run()
    mtsmart.train(workspace.experiment, ["training.report=false"], output_dir=run, resume=True)
    assert not (run / "report.html").exists()
    mtsmart.train(workspace.experiment, output_dir=run, resume=True)
    assert "pearson" in read_page(run / "report.html").text


def test_the_dotted_line_is_explained_without_regularisers_too(trained_run, cli):
    run = trained_run("smart=off", "mbpp=off")
    assert cli("report", run).code == 0
    page = read_page(run / "report.html")
    assert "flips" not in page.text.partition("Configuration")[0]
    assert page.text.count("The dotted line is the best evaluation of the run.") == 2  # one for each task


def test_data_that_is_gone_is_told_and_the_rest_is_shown(trained_run, workspace, cli):
    run = trained_run()
    (workspace.folder / "color_validation.jsonl").unlink()
    assert cli("report", run).code == 0
    page = read_page(run / "report.html")
    assert "cannot be scored now" in page.text and "color_validation.jsonl" in page.text
    assert "flips" in page.text and "farthest from their labels" in page.text


def test_scores_that_the_data_no_longer_gives_are_told(trained_run, workspace, cli):
    run = trained_run()
    write_jsonl(workspace.folder / "color_validation.jsonl", [{"text": "a dog", "label": "red"}] * 3)
    assert cli("report", run).code == 0
    assert "The run has stored accuracy" in read_page(run / "report.html").text


def test_several_runs_stand_side_by_side(trained_run, cli, tmp_path):
    one, other = trained_run(name="one"), trained_run(name="<i>other")
    config = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(config.replace("seed: 42", "seed: 43"))
    result = cli("report", one, other, "-o", tmp_path / "both.html", "--figures", tmp_path / "both")
    assert result.code == 0
    page = read_page(tmp_path / "both.html")
    assert "training.seed" in page.text and "<i>other" in page.text and "2 runs side by side" in page.text
    assert {"color-accuracy.svg", "near-loss.svg"} <= {file.name for file in (tmp_path / "both").iterdir()}
    assert not (one / "report.html").exists()
    compared = cli("runs", "compare", one, other)
    assert compared.code == 0 and re.search(r"training.seed\W+42\W+43", compared.out) and "<i>other" in compared.out
    data = json.loads(cli("runs", "compare", one, other, "--json").out)
    assert data["differences"] == {"training.seed": [42, 43]}
    assert data["runs"]["one"]["tasks"] == json.loads((one / "results.json").read_text())["tasks"]


def words_of(file):
    """The words of a page with one blank between."""
    return " ".join(re.sub(r"<[^>]+>", " ", file.read_text(encoding="utf-8")).split())


def with_opposite_answers(run):
    """The labels that the run gives `color` change places, and its numbers for `near` get another sign."""
    for file in (run / "model" / "heads").iterdir():
        save_file({name: -weights for name, weights in load_file(file).items()}, file)
    (run / "model" / "manifest.json").unlink()
    return run


def test_rows_that_one_run_has_right_and_another_wrong(trained_run, workspace, cli, tmp_path):
    one, other = trained_run(name="one"), with_opposite_answers(trained_run(name="other"))
    rows = rows_of(workspace.folder, "color")
    right = {
        run.name: [
            row["label"] == found["prediction"]
            for row, found in zip(rows, mtsmart.load(run).predict("color", rows), strict=True)
        ]
        for run in (one, other)
    }
    assert any(right["other"]) and right["one"] == [not each for each in right["other"]]
    both = tmp_path / "both.html"
    assert cli("report", one, other, "-o", both).code == 0
    text = words_of(both)
    assert (
        f"{len(rows)} of {len(rows)} validation rows (100.0%). All of these runs have 0 rows right and 0 wrong." in text
    )
    for name in ("one", "other"):
        wrong = len(rows) - sum(right[name])
        assert f"{name} {wrong} {wrong} {sum(right[name])} " in text
    for number, row in enumerate(rows, 1):
        assert f"{row['text']} gold {row['label']} · row {number} one :" in text
    assert text.count("Rows where the runs differ most") == 1

    changed = [*rows[:-1], {**rows[-1], "text": "another text"}]
    write_jsonl(tmp_path / "changed.jsonl", changed)
    config = other / "config.yaml"
    config.write_text(config.read_text().replace(f"{workspace.folder}/color_validation", f"{tmp_path}/changed"))
    assert cli("report", one, other, "-o", both).code == 0
    text = words_of(both)
    assert "other: It scored other rows than one." in text and "Rows that some runs" not in text


def test_runs_of_a_folder_are_listed(trained_run, workspace, cli):
    run = trained_run(name="runs/whole")
    broken = trained_run(name="runs/broken")
    (broken / "metrics.jsonl").write_text("no journal\n")
    (workspace.folder / "runs" / "notes").mkdir()
    result = cli("runs", "list")
    assert result.code == 0 and "notes" not in result.out
    score = json.loads((run / "results.json").read_text())["score"]
    assert re.search(rf"whole\W.*color, near\W+{score:.4f}\W+24\W+finished", result.out)
    assert re.search(r"broken\W+damaged", result.out)
    listed = json.loads(cli("runs", "list", "runs", "--json").out)
    assert [each["state"] for each in listed] == ["finished", "damaged"] and "metrics.jsonl:1" in listed[1]["error"]
    assert cli("runs", "list", "nowhere").code == 2


def test_what_is_no_run_is_refused_with_one_line(trained_run, cli, tmp_path):
    run = trained_run()
    mine = tmp_path / "mine.html"
    mine.write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "config.yaml").write_text("lines: 3\n")
    refused = {
        "has no config.yaml": ["report", tmp_path / "gone"],
        "lines": ["report", tmp_path / "foreign"],
        "is no report that mtsmart has written": ["report", run, "-o", mine],
        "does not end like a page": ["report", run, "-o", tmp_path / "page.pdf"],
        "is not a new or empty folder": ["report", run, "--figures", tmp_path / "full"],
        "is no format of pictures": ["report", run, "--figures", tmp_path / "new", "--figure-format", "gif"],
        "figure-format: is no format of pictures": ["report", run, "--figure-format", "nonsense"],
        "is given twice": ["runs", "compare", run, run],
    }
    unmarked = trained_run(name="unmarked")
    (unmarked / ".mtsmart.json").unlink()
    refused["has no .mtsmart.json"] = ["report", unmarked]
    (run / "metrics.jsonl").write_text('{"type": "train", "update": 1, "tasks": {"color": {"loss": "low"}}}\n')
    refused["metrics.jsonl:1: tasks.color.loss: is not what a run wrote"] = ["report", run]
    for said, arguments in refused.items():
        result = cli(*arguments)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), (said, result)
        assert said in result.err
    assert mine.read_text() == "mine" and not (tmp_path / "new").exists() and not (run / "report.html").exists()


def test_a_run_that_is_being_trained_is_left_alone(trained_run, cli, tmp_path):
    run = trained_run()
    holder = {"pid": os.getppid(), "host": socket.gethostname()}
    (run / ".mtsmart.holder.json").write_text(json.dumps(holder))
    result = cli("report", run)
    assert result.code == 2 and "another process is training this run" in result.err and "--output" in result.err
    assert cli("report", run, "-o", tmp_path / "page.html").code == 0
    assert "24 (running)" in read_page(tmp_path / "page.html").text and not (run / "report.html").exists()
    assert '"running"' in cli("runs", "list", run.parent, "--json").out


def test_a_report_of_somebody_else_stays_and_nothing_is_computed_or_drawn(trained_run, cli, tmp_path, monkeypatch):
    run = trained_run()
    (run / "report.html").write_text("mine")
    monkeypatch.setattr(writing, "read_content", lambda *_: pytest.fail("evaluated in vain"))
    result = cli("report", run, "--figures", tmp_path / "figures")
    assert result.code == 2 and "somebody else" in result.err and (run / "report.html").read_text() == "mine"
    assert not (tmp_path / "figures").exists()


def test_no_figures_are_written_if_the_temperatures_are_somebody_elses(trained_run, cli, tmp_path):
    run = trained_run()
    (run / "calibration.json").write_text("mine")
    result = cli("report", run, "--figures", tmp_path / "figures")
    assert result.code == 2 and "somebody else" in result.err and (run / "calibration.json").read_text() == "mine"
    assert not (tmp_path / "figures").exists()


def test_training_says_that_the_report_is_written_and_a_stop_there_leaves_a_complete_run(
    workspace, cli, reports_on, monkeypatch
):
    def stopped(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mtsmart.reporting.report.writing.read_content", stopped)
        trained = cli("train", workspace.experiment, "training.max_updates=2", "smart=off", "mbpp=off", "-o", "run")
    assert trained.code == 130
    assert "the report is being written" in trained.out
    assert "the run is complete, but its report is not written: `mtsmart report " in trained.err
    assert (workspace.folder / "run/results.json").is_file() and not (workspace.folder / "run/report.html").exists()
