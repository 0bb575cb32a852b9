"""The zips of GLUE and SuperGLUE: byte-equal to what known predictions should give."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mtsmart.config.loader import mapping_experiment
from mtsmart.errors import ConfigError, DataError
from mtsmart.suites.boards import BOARDS
from mtsmart.suites.boards.board import BoardFile
from mtsmart.suites.boards.glue import tsv
from mtsmart.suites.boards.submission import answers_of, write_submission
from mtsmart.task_types import build_tasks
from mtsmart.tasks import TaskLibrary
from tests.suites.stubs import TEST

NLI = ["entailment", "neutral", "contradiction", "neutral"]
PREDICTIONS = {
    "cola": ["acceptable", "unacceptable", "acceptable", "acceptable"],
    "sst2": ["negative", "positive", "positive", "negative"],
    "mrpc": ["equivalent", "not_equivalent", "equivalent", "equivalent"],
    "stsb": [-0.2, 5.7, 3.14159, 2.0005],
    "mnli": NLI,
    "mnli_mismatched": NLI[::-1],
    "qnli": ["entailment", "not_entailment", "not_entailment", "entailment"],
    "rte": ["not_entailment", "not_entailment", "entailment", "entailment"],
    "wnli": ["entailment", "not_entailment", "entailment", "not_entailment"],
    "ax": ["contradiction", "neutral", "entailment", "entailment"],
    "qqp": ["duplicate", "not_duplicate", "duplicate", "duplicate"],
    "boolq": ["True", "False", "False", "True"],
    "cb": ["neutral", "contradiction", "entailment", "neutral"],
    "copa": [1, 0, 0, 1],
    "multirc": ["True", "False", "False", "True"],
    "record": ["the cat", "a big dog", "dog", 'a "dog"'],
    "superglue_rte": ["entailment", "not_entailment", "entailment", "entailment"],
    "wic": ["False", "True", "True", "False"],
    "wsc": ["True", "True", "False", "False"],
    "axb": ["not_entailment", "not_entailment", "entailment", "entailment"],
    "axg": ["entailment", "entailment", "not_entailment", "entailment"],
}
GLUE = {
    "CoLA.tsv": "1 0 1 1",
    "SST-2.tsv": "0 1 1 0",
    "MRPC.tsv": "1 0 1 1",
    "STS-B.tsv": "0.000 5.000 3.142 2.001",
    "MNLI-m.tsv": "entailment neutral contradiction neutral",
    "MNLI-mm.tsv": "neutral contradiction neutral entailment",
    "QNLI.tsv": "entailment not_entailment not_entailment entailment",
    "RTE.tsv": "not_entailment not_entailment entailment entailment",
    "WNLI.tsv": "1 0 1 0",
    "AX.tsv": "contradiction neutral entailment entailment",
    "QQP.tsv": "1 0 1 1",
}
SUPERGLUE = {
    "BoolQ.jsonl": '"true" "false" "false" "true"',
    "CB.jsonl": '"neutral" "contradiction" "entailment" "neutral"',
    "COPA.jsonl": "1 0 0 1",
    "MultiRC.jsonl": '{"idx": 0, "passage": {"questions": ['
    '{"idx": 0, "answers": [{"idx": 0, "label": 1}, {"idx": 1, "label": 0}]}, '
    '{"idx": 1, "answers": [{"idx": 2, "label": 0}, {"idx": 3, "label": 1}]}]}}\n',
    "ReCoRD.jsonl": '{"idx": 0, "label": "the cat"}\n{"idx": 1, "label": "a big dog"}\n'
    '{"idx": 2, "label": "dog"}\n{"idx": 3, "label": "a \\"dog\\""}\n',
    "RTE.jsonl": '"entailment" "not_entailment" "entailment" "entailment"',
    "WiC.jsonl": '"false" "true" "true" "false"',
    "WSC.jsonl": '"True" "True" "False" "False"',
    "AX-b.jsonl": '"not_entailment" "not_entailment" "entailment" "entailment"',
    "AX-g.jsonl": '"entailment" "entailment" "not_entailment" "entailment"',
}


def golden(name):
    """The text of a file, from its short form."""
    if name in GLUE:
        lines = "".join(f"{number}\t{word}\n" for number, word in enumerate(GLUE[name].split()))
        return f"index\tprediction\n{lines}"
    if SUPERGLUE[name].endswith("\n"):
        return SUPERGLUE[name]
    return "".join(f'{{"idx": {number}, "label": {word}}}\n' for number, word in enumerate(SUPERGLUE[name].split()))


@dataclass
class Known:
    """A run whose predictions are known, on the stubs of the data sets."""

    hub: str
    lacks: tuple[str, ...] = ()
    path: Path = Path("x")

    @property
    def config(self):
        return mapping_experiment(
            {"name": "x", "tasks": ["rte"], "encoder": {"path": "x"}, "data": {"hub_dir": self.hub}}
        ).config

    def has_head_for(self, task):
        return task not in self.lacks

    def task(self, name):
        library = TaskLibrary()
        return build_tasks({each: library.entry(each) for each in {name, library[name].share_head or name}})[name]

    def predict(self, task, rows):
        assert len(rows) == TEST and set(self.task(task).columns) <= set(rows.column_names)
        kind = "prediction_text" if task == "record" else "prediction"
        return [{"prediction": 0, kind: each} for each in PREDICTIONS[task]]


def small(name):
    """A board with as many rows as the stubs have."""
    board = BOARDS[name]
    return replace(board, files=tuple(replace(file, rows=TEST) for file in board.files))


@pytest.mark.parametrize(("name", "files"), [("glue", GLUE), ("superglue", SUPERGLUE)])
def test_the_zip_is_the_golden_one(stub_hub, tmp_path, name, files):
    write_submission(answers_of(small(name), Known(str(stub_hub))), tmp_path / "s.zip")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, golden(file).encode(), zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert {file: archive.read(file).decode() for file in archive.namelist()} == {
            file: golden(file) for file in files
        }
    assert (tmp_path / "s.zip").read_bytes() == made.getvalue()


def test_the_boards_have_their_files_and_rows():
    counts = {file.name: file.rows for board in BOARDS.values() for file in board.files}
    assert counts == {
        **{"CoLA.tsv": 1063, "SST-2.tsv": 1821, "MRPC.tsv": 1725, "STS-B.tsv": 1379, "MNLI-m.tsv": 9796},
        **{"MNLI-mm.tsv": 9847, "QNLI.tsv": 5463, "RTE.tsv": 3000, "WNLI.tsv": 146, "AX.tsv": 1104, "QQP.tsv": 390965},
        **{"BoolQ.jsonl": 3245, "CB.jsonl": 250, "COPA.jsonl": 500, "MultiRC.jsonl": 9693, "ReCoRD.jsonl": 10000},
        **{"RTE.jsonl": 3000, "WiC.jsonl": 1400, "WSC.jsonl": 146, "AX-b.jsonl": 1104, "AX-g.jsonl": 356},
    }


def test_real_test_splits_are_the_boards_own(hub_dir):
    """Rows and ids of those clones that are there."""
    from contextlib import suppress

    from mtsmart.config.sections import DataConfig
    from mtsmart.data.sources import load_split

    checked = set()
    for file in (file for board in BOARDS.values() for file in board.files):
        with suppress(DataError):
            rows = load_split(file.task, TaskLibrary()[file.task], "test", ["idx"], DataConfig(hub_dir=hub_dir))
            file.check_ids(rows["idx"][:])
            checked.add(file.name)
    assert {"CoLA.tsv", "SST-2.tsv", "MRPC.tsv", "STS-B.tsv", "RTE.tsv", "WNLI.tsv", "AX.tsv", "QNLI.tsv"} <= checked


def test_missing_tasks_are_named_or_filled(stub_hub):
    lacking = Known(str(stub_hub), ("boolq", "multirc", "record", "axg"))
    with pytest.raises(ConfigError) as error:
        answers_of(small("superglue"), lacking)
    assert str(error.value) == (
        "x: SuperGLUE needs a file for each of its tasks, and the run has no head for: boolq, multirc, record, axg. "
        "With `fill=True` all rows of their files say the same, and the board shows low scores for them"
    )
    filled = {each.file.name: each.text for each in answers_of(small("superglue"), lacking, fill=True)}
    assert filled["BoolQ.jsonl"] == "".join(f'{{"idx": {n}, "label": "false"}}\n' for n in range(TEST))
    assert filled["MultiRC.jsonl"].count('"label": 0') == TEST
    assert filled["ReCoRD.jsonl"].count('"the cat"') == TEST
    assert filled["WiC.jsonl"] == golden("WiC.jsonl")
    with pytest.raises(ConfigError, match="the run has none of SuperGLUE's tasks"):
        answers_of(small("superglue"), Known(str(stub_hub), tuple(PREDICTIONS)), fill=True)


COUNTED = BoardFile("X.tsv", "t", 3, BOARDS["glue"].files[0].form, tsv)
NESTED = replace(COUNTED, id_parts=("p", "q"))


@pytest.mark.parametrize(
    ("file", "ids", "message"),
    [
        (COUNTED, [0, 1], "task t, split test: has 2 rows, and the board expects 3 in X.tsv"),
        (COUNTED, [0, 2, 1], "task t, split test: idx: row 2 has an id .*at this place, got 2. The board has 1"),
        (COUNTED, [1, 2, 3], "row 1 has an id .*got 1. The board has 0"),
        (COUNTED, [0, 1, "2"], "row 3 has an id that is not a whole number, got '2'"),
        (NESTED, [{"p": 0, "q": 1}, {"p": 0, "q": 0}, {"p": 1, "q": 2}], "row 2 has an id"),
        (NESTED, [{"p": 0, "q": 0}] * 3, "row 2 has an id"),
        (NESTED, [{"p": 0}] * 3, "row 1 has an id that is not a mapping with p, q"),
        (NESTED, [0, 1, 2], "row 1 has an id that is not a mapping with p, q"),
    ],
)
def test_other_ids_than_the_boards_are_refused(file, ids, message):
    with pytest.raises(DataError, match=message):
        file.check_ids(ids)


def test_nothing_is_predicted_before_all_rows_are_checked(stub_hub):
    run = Known(str(stub_hub))
    run.predict = None
    with pytest.raises(DataError, match="has 4 rows, and the board expects 390,965 in QQP.tsv"):
        answers_of(replace(small("glue"), files=(*small("glue").files[:-1], BOARDS["glue"].files[-1])), run)


def test_all_test_splits_that_cannot_be_read_are_named_at_once(stub_hub, tmp_path, caplog):
    run = Known(str(tmp_path / "nowhere"), ("boolq", "cb"))
    with pytest.raises(DataError) as error:
        answers_of(small("superglue"), run, fill=True)
    text = str(error.value)
    assert "nothing is written, because" in text and "test splits cannot be used: copa, " in text and "wic" in text
    assert "The first of them: " in text and not caplog.records


def test_labels_that_the_board_does_not_know_are_refused(stub_hub, monkeypatch):
    run = Known(str(stub_hub))
    cola = run.task("cola")
    cola.labels = ["bad", "good"]
    monkeypatch.setattr(Known, "task", lambda self, name: cola)
    with pytest.raises(
        ConfigError, match=r"cola.labels: are not the labels that the board knows, got \['bad', 'good'\]"
    ):
        answers_of(replace(small("glue"), files=small("glue").files[:1]), run)
