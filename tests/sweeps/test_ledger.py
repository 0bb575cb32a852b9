"""The file of finished runs: half a line, damaged lines, links."""

import json

import pytest

from mtsmart.errors import DataError, StorageError
from mtsmart.sweeps.ledger import Ledger
from tests.sweeps.grids import line_of


def test_an_unfinished_last_line_is_trained_again(colors):
    plan, ledger, _ = colors
    ledger.add(line_of(plan.jobs[0], 0.5))
    with ledger.file.open("a") as stream:
        stream.write('{"run": "half')
    again = Ledger(ledger.file)
    assert plan.jobs[0].key in again and plan.jobs[1].key not in again
    again.add(line_of(plan.jobs[1], 0.25))
    assert [json.loads(line)["tasks"]["color"]["accuracy"] for line in ledger.file.open()] == [0.5, 0.25]


def test_another_name_of_the_file_keeps_its_content(colors):
    plan, ledger, folder = colors
    ledger.add(line_of(plan.jobs[0], 0.5))
    with ledger.file.open("a") as stream:
        stream.write('{"run": "half')
    before = ledger.file.read_bytes()
    (folder / "backup").hardlink_to(ledger.file)
    Ledger(ledger.file).add(line_of(plan.jobs[1], 0.25))
    assert (folder / "backup").read_bytes() == before
    assert len(Ledger(ledger.file)) == 2


def test_a_whole_last_line_without_its_newline_counts(colors):
    plan, ledger, _ = colors
    for job in plan.jobs[:2]:
        ledger.add(line_of(job, 0.5))
    ledger.file.write_bytes(b"\n" + ledger.file.read_bytes().rstrip(b"\n"))
    again = Ledger(ledger.file)
    assert len(again) == 2
    again.add(line_of(plan.jobs[2], 0.5))
    again.add(line_of(plan.jobs[3], 0.5))
    assert len(Ledger(ledger.file)) == 4


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no json", r"runs\.jsonl:2: is not what a sweep wrote: Invalid JSON"),
        ("[1]", r"runs\.jsonl:2: is not what a sweep wrote: .*object"),
        ("{}", r"runs\.jsonl:2: run: is not what a sweep wrote: Field required"),
        ('{"run": "x", "config": 3}', r"runs\.jsonl:2: config: is not what a sweep wrote: .*string"),
        ("[" * 100_000, r"runs\.jsonl:2: is not what a sweep wrote: Invalid JSON"),
    ],
)
def test_a_damaged_line_is_named(colors, line, message):
    plan, ledger, _ = colors
    ledger.add(line_of(plan.jobs[0], 0.5))
    with ledger.file.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(DataError, match=message):
        Ledger(ledger.file)


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(colors, score):
    plan, ledger, _ = colors
    line = line_of(plan.jobs[0], 0.5).model_dump() | {"tasks": {"color": {"accuracy": score}}}
    ledger.file.write_text(json.dumps(line) + "\n")
    with pytest.raises(DataError, match=r"runs\.jsonl:1: tasks\.color\.accuracy: .*finite number"):
        Ledger(ledger.file)


def test_lines_are_not_written_through_a_link(colors):
    _, ledger, folder = colors
    (folder / "elsewhere").write_text("")
    ledger.file.symlink_to("elsewhere")
    with pytest.raises(StorageError, match=r"runs\.jsonl: is a link"):
        Ledger(ledger.file)


def test_the_time_of_a_run_stays_where_a_search_takes_it_over(colors):
    plan, ledger, _ = colors
    run = line_of(plan.jobs[0], 0.5).model_copy(update={"seconds": 16.5})
    ledger.add(run)
    ledger.add(run.model_copy(update={"seconds": 0.0}))
    for known in (ledger, Ledger(ledger.file)):
        assert known[plan.jobs[0].key].seconds == 16.5
