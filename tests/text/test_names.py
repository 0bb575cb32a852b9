"""What a name may be: it has to be the name of a file on every system."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsmart.tasks import TaskLibrary
from mtsmart.text.names import MAX_BYTES, Kind, file_stem, name_after, problem_of, same_for_files, told_apart

DEVICES = ["con", "PRN", "aux", "Nul", "com1", "COM9", "lpt1", "Lpt9", "com\u00b9"]


@pytest.mark.parametrize("name", ["rte", "a-b_c", "caf\u00e9", "\u732b" * 66, "a" * MAX_BYTES, "com10", "console"])
def test_words(name):
    assert problem_of(name, Kind.WORD) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is no name"),
        ("a b", "is no name"),
        ("a.b", "is no name"),
        ("../a", "is no name"),
        ("a\u202e", "is no name"),
        ("a\u3164", "is no name"),
        ("\u732b" * 67, "201 bytes in UTF-8"),
        ("a" * (MAX_BYTES + 1), "201 bytes in UTF-8"),
        ("\u1112\u1161\u11ab", "form NFC"),
        *((name, "Windows reserves") for name in DEVICES),
    ],
)
def test_what_is_no_word(name, problem):
    assert problem in problem_of(name, Kind.WORD)


def test_names_of_runs_have_dots_inside():
    for name in ("snli_0.1_percent", "caf\u00e9", "\u732b"):
        assert problem_of(name, Kind.RUN) is None
    for name in ("a.", "con.x", "AUX.1.2", ".a", "a/b", "a\n", ""):
        assert problem_of(name, Kind.RUN) is not None, name


@pytest.mark.parametrize(
    ("run", "task"), [("a", "b"), ("a" * 200, "b"), ("\u732b" * 66, "\u72ac" * 40), ("a", "b" * 200)]
)
def test_the_name_of_a_run_that_goes_on_is_a_name(run, task):
    name = name_after(run, task)
    assert problem_of(name, Kind.RUN) is None and name.endswith(task)


def test_titles_are_what_a_reader_sees():
    for name in ("SMART, radius 1e-3", "SMART + MBPP", "a|b <i>", "aux"):
        assert problem_of(name, Kind.TITLE) is None
    for name in ("", " ", "a ", " a", "a  b", "a\nb", "a\u200bb", "a.", "\ud800"):
        assert problem_of(name, Kind.TITLE) is not None, name


@pytest.mark.parametrize(
    "pair", [("color", "Color"), ("stra\u00dfe", "STRASSE"), ("\u00e9", "e\u0301"), ("\u00c9", "e\u0301")]
)
def test_names_that_a_file_system_may_take_for_one(pair):
    assert same_for_files(["other", *pair]) == pair


def test_equal_names_are_one():
    assert same_for_files(["a", "b", "a"]) is None


@given(st.text())
def test_each_title_gives_a_files_name(title):
    stem = file_stem(title, "table")
    assert problem_of(stem, Kind.WORD) is None and stem == stem.lower()


def test_a_files_name_is_neither_long_nor_a_device():
    assert file_stem("Con", "table") == "table-con"
    assert file_stem("\u732b", "table") == "table"
    assert len(file_stem("long " * 100, "table")) <= MAX_BYTES


def test_shipped_tasks_have_good_names():
    assert same_for_files(TaskLibrary()) is None


def test_stems_that_occur_again_get_numbers():
    assert told_apart(["x", "y", "x", "x", "y"]) == ["x", "y", "x~2", "x~3", "y~2"]
    assert told_apart([]) == []
