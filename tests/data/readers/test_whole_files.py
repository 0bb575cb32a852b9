"""Files each of which is one text: ``format: text``."""

import gzip

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.readers import Layout, read_table, whole_rows
from mtsmart.data.sources import load_split
from mtsmart.errors import DataError
from mtsmart.tasks.dataset import DatasetSource
from tests.data.readers.test_fields import task


@pytest.fixture
def folders(tmp_path):
    for folder, *texts in (("neg", "a bad\nday\n"), ("pos", " a good day", "fine")):
        (tmp_path / folder).mkdir()
        for number, text in enumerate(texts, 1):
            (tmp_path / folder / f"{number}.txt").write_text(text)
    return tmp_path


def test_each_file_is_a_row_with_its_folder_and_its_name(folders):
    definition = task(files={"train": str(folders / "*" / "*.txt")}, format="text")
    rows = load_split("mine", definition, "train", ["text", "folder", "file"], DataConfig()).to_list()
    assert [(row["text"], row["folder"], row["file"], row["row"]) for row in rows] == [
        ("a bad\nday", "neg", "1.txt", 0),
        ("a good day", "pos", "1.txt", 1),
        ("fine", "pos", "2.txt", 2),
    ]


def test_a_folder_may_be_the_working_directory(folders, monkeypatch):
    monkeypatch.chdir(folders / "pos")
    source = DatasetSource(files={"train": "1.txt"}, format="text")
    assert list(whole_rows("1.txt", source)) == [{"text": "a good day", "folder": "pos", "file": "1.txt"}]


def test_a_compressed_file_is_expanded(folders):
    (folders / "pos" / "3.txt.gz").write_bytes(gzip.compress(b"packed"))
    assert read_table(folders / "pos" / "3.txt.gz", "text").to_pylist()[0]["text"] == "packed"


def test_columns_that_are_not_read_have_no_values(folders):
    (row,) = read_table(folders / "pos" / "1.txt", "text", wanted=["folder"]).to_pylist()
    assert row == {"text": None, "folder": "pos", "file": None}


def test_an_empty_file_is_a_missing_text(folders, cli):
    (folders / "pos" / "2.txt").write_text("\n")
    (folders / "t.yaml").write_text(
        "t:\n  task_type: classification\n  dataset: {files: {train: '*/*.txt', validation: pos/*.txt}, format: text}\n"
        "  text: [text]\n  label: folder\n  labels: [neg, pos]\n"
    )
    checked = cli("tasks", "check", folders / "t.yaml")
    assert checked.code == 2 and "text: 1 of 3 rows lacks a text or label, it is row 3, got ''" in checked.err, (
        checked.err
    )


@pytest.mark.parametrize(
    ("content", "layout", "message"),
    [
        (b"a\xff", Layout(), r"1\.txt:1: is not UTF-8\. Save it as UTF-8 \(in Excel: CSV UTF-8\)\. If it comes from"),
        ("a".encode("utf-16"), Layout(), r"1\.txt: is UTF-16, not UTF-8\. .* Or run: iconv -f UTF-16 -t UTF-8 "),
        (b"a", Layout(delimiter=";"), r"'delimiter' goes with csv, tsv and conll files\. This one is read as text"),
        (b"a " * 8_000_001, Layout(), r"1\.txt: has more than 16,000,000 characters, which is too much for one text"),
    ],
    ids=["latin", "utf-16", "delimiter", "long"],
)
def test_what_cannot_be_read_is_named(folders, content, layout, message):
    (folders / "pos" / "1.txt").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(folders / "pos" / "1.txt", "text", layout)
