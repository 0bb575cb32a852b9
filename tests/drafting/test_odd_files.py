"""Ordinary files with something odd in them: ``mtsmart tasks new`` sees what they are all the same."""

from pathlib import Path

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.drafting.draft import Given
from mtsmart.tasks import TaskLibrary
from tests.drafting import sources
from tests.drafting.test_new_task import draft  # noqa: F401


def odd(*lines):
    """A csv file of usual rows of text and label, with some lines before and after them."""

    def source(folder):
        first, *last = lines
        usual = [f"{text},{label}" for text, label in zip(sources.texts(), sources.cycle("pos", "neg"), strict=True)]
        file = folder / "odd.csv"
        file.write_text("\n".join([first, *usual, *last]) + "\n")
        return [str(file)]

    return source


@pytest.mark.parametrize("last", ["10,pos", "1e3,neg", "true,pos", "[1],pos", "{},neg", '"[""a""]",pos'])
def test_a_text_that_looks_like_something_else_stays_a_text(draft, last):  # noqa: F811
    made = draft(odd("text,label", last))
    assert (made.draft.task_type, made.draft.text, made.draft.label) == ("classification", ["text"], "label")
    assert TaskLibrary([made.task_file])["odd"].labels == ["neg", "pos"]


def test_names_of_labels_may_be_numbers_too(draft):  # noqa: F811
    file = odd("label,text", *[f"{value},some words about it" for value in ("A", "B", "1") for _ in range(40)])
    assert draft(file, given=Given(label="label", text=["text"])).draft.task_type == "classification"


@pytest.mark.parametrize("header", ["text,label,", "text,label,2019", "text,label,inf", "0,1"])
def test_a_header_with_an_odd_name_is_one(draft, header):  # noqa: F811
    def source(folder):
        (file,) = odd(header)(folder)
        if header.count(",") == 2:
            first, *rows = Path(file).read_text().splitlines()
            Path(file).write_text("\n".join([first, *(f"{row}," for row in rows)]) + "\n")
        return [file]

    made = draft(source)
    assert "columns" not in made.seen.data.dataset and made.seen.rows == sources.ROWS


def test_spellings_of_a_split_are_one_and_all_splits_are_used(draft):  # noqa: F811
    def source(folder):
        splits = sources.cycle("train", "Train ", "TRAIN", "dev", "valid", "train")
        data = sources.rows(text=sources.texts(), label=sources.cycle("pos", "neg"), part=splits)
        return [sources.write_csv(folder / "parts.csv", data)]

    made = draft(source)
    definition = TaskLibrary([made.task_file])["parts"]
    assert definition.splits == {"validation": "dev+valid"}
    counts = {
        split: len(load_split("parts", definition, split, ["text"], DataConfig())) for split in ("train", "validation")
    }
    assert counts == {"train": 40, "validation": 20}


def test_a_first_line_that_is_no_header_is_told_on_the_terminal(tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    (file,) = sources.without_header(tmp_path)
    made = cli("tasks", "new", file, "--yes")
    told = "The first line looks like a row, not like names, so the columns are called text, label."
    assert made.code == 0 and told in made.out + made.err
    (named,) = sources.reviews(tmp_path)
    other = cli("tasks", "new", named, "--yes")
    assert other.code == 0 and "looks like a row" not in other.out + other.err


def test_a_column_of_splits_may_be_blank_in_some_rows(draft):  # noqa: F811
    def source(folder):
        names = sources.cycle("train", "Train ", " ", "dev", "TRAIN")
        data = sources.rows(text=sources.texts(), label=sources.cycle("a", "b"), part=names)
        return [sources.write_csv(folder / "d.csv", data)]

    made = draft(source, given=Given(label="label"))
    definition = TaskLibrary([made.task_file])[made.name]
    assert definition.dataset.split_column == "part" and definition.splits == {"validation": "dev"}
    counts = [len(load_split("d", definition, split, ["text"], DataConfig())) for split in ("train", "validation")]
    assert counts == [36, 12]
