"""What the comparison of two recordings says; nothing is trained."""

import json
import sys

import pytest

from benchmarks import same_numbers


def recording(runs, **changes):
    return {"commit": "c0ffee", "machine": "a machine", "torch": "2.0", "runs": runs, **changes}


def trained(**changes):
    return {"seconds": 1, "files": {"metrics.jsonl": "1", "model/heads.safetensors": "2", **changes}}


RUNS = {"quickstart": trained(), "paper": trained()}


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    """The command, on recordings in files; its exit code and what it prints of the runs."""

    def call(before, after, *options):
        for name, data in (("before", before), ("after", after)):
            (tmp_path / f"{name}.json").write_text(json.dumps(data))
        files = [str(tmp_path / "before.json"), str(tmp_path / "after.json")]
        monkeypatch.setattr(sys, "argv", ["same_numbers", "compare", *files, *options])
        with pytest.raises(SystemExit) as stop:
            same_numbers.main()
        return stop.value.code, capsys.readouterr().out.splitlines()[2:]

    return call


def test_the_same(compare):
    """However long it took."""
    assert compare(recording(RUNS), recording({**RUNS, "paper": {**trained(), "seconds": 9}}, commit="decaf")) == (
        0,
        ["quickstart: same", "paper: same"],
    )


@pytest.mark.parametrize(
    "files, told",
    [({"metrics.jsonl": "3"}, "metrics.jsonl"), ({"model/new.safetensors": "3"}, "model/new.safetensors")],
)
def test_a_file_that_differs_or_is_in_one_alone_is_named(compare, files, told):
    after = recording({**RUNS, "paper": trained(**files)})
    assert compare(recording(RUNS), after) == (1, ["quickstart: same", f"paper: differs: {told}"])
    assert compare(after, recording(RUNS), "--only", "quickstart") == (0, ["quickstart: same"])


def test_a_run_that_is_missing(compare):
    fewer = recording({"quickstart": trained()})
    assert compare(recording(RUNS), fewer) == (1, ["quickstart: same", "paper: missing from after"])
    assert compare(fewer, recording(RUNS)) == (1, ["quickstart: same", "paper: missing from before"])


def test_a_run_that_was_skipped_or_failed(compare):
    skipped, failed = ({**RUNS, "paper": {key: "no data"}} for key in ("skipped", "failed"))
    assert compare(recording(skipped), recording(skipped)) == (0, ["quickstart: same", "paper: skipped: no data"])
    for runs, told in ((skipped, "skipped: no data"), (failed, "failed: no data")):
        code, lines = compare(recording(RUNS), recording(runs))
        assert (code, lines[1]) == (1, f"paper: differs: before trained in 1 s, after {told}")
    assert compare(recording(failed), recording(failed))[0] == 1


@pytest.mark.parametrize("key", ["machine", "torch"])
def test_another_machine_or_torch(compare, key):
    code, lines = compare(recording(RUNS), recording(RUNS, **{key: "another"}))
    assert code == 1
    assert lines[0].startswith(f"{key} differs") and lines[1:] == ["quickstart: same", "paper: same"]


def test_a_run_brings_along_what_it_needs():
    assert same_numbers.with_needed(["domain_adaptation", "paper"]) == ["paper", "domain_joint", "domain_adaptation"]
    assert same_numbers.with_needed(None) == list(same_numbers.RUNS)


def test_a_run_without_its_data_or_its_start_is_skipped(monkeypatch):
    monkeypatch.delenv(same_numbers.HUB, raising=False)
    assert same_numbers.HUB in same_numbers.obstacle_of(same_numbers.RUNS["every_type"], {})
    for start, told in (({"failed": "no data"}, "quickstart is not trained"), (trained(), None)):
        assert same_numbers.obstacle_of(same_numbers.RUNS["finetune"], {"quickstart": start}) == told
