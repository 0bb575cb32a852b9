"""Hub data sets of which only what is asked for is read."""

import datasets
import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data import sources
from mtsmart.data.readers import StreamedSplit, streaming
from mtsmart.data.sources import has_split, load_split
from mtsmart.errors import DataError
from mtsmart.tasks import TaskDefinition
from tests.conftest import write_jsonl

ROWS = 50
STATED = """---
dataset_info:
  features:
  - {{name: text, dtype: string}}
  - name: label
    dtype: {{class_label: {{names: {{'0': 'yes', '1': 'no'}}}}}}
  splits:
  - {{name: train, num_bytes: 1, num_examples: {rows}}}
---
"""


@pytest.fixture(params=["stated", "unstated"])
def place(request, tmp_path):
    """A local clone with named labels, with or without a word on how many rows it has; a cache of its own."""
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["yes", "no"])})
    columns = {"text": [f"t{i}" for i in range(ROWS)], "label": [i % 3 - 1 for i in range(ROWS)]}
    folder = tmp_path / "hub" / "owner" / "name"
    folder.mkdir(parents=True)
    datasets.Dataset.from_dict(columns, features=features).to_parquet(folder / "train.parquet")
    if request.param == "stated":
        (folder / "README.md").write_text(STATED.format(rows=ROWS))
    sources._from_hub.cache_clear()
    return DataConfig(hub_dir=str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache")), request.param


def task(spec: str = "train", **source) -> TaskDefinition:
    dataset = {"path": "owner/name", **source}
    return TaskDefinition(
        task_type="classification", text=["text"], labels=["no", "yes"], dataset=dataset, splits={"train": spec}
    )


@pytest.mark.parametrize("spec", ["train", "train[:7]", "train[7:20]", "train[40:]", "train[:3]+train[45:]"])
def test_streamed_rows_are_the_downloaded_ones(place, spec):
    config, _ = place
    whole, streamed = (load_split("t", task(spec, streaming=on), "train", ["text"], config) for on in (False, True))
    assert streamed.column_names == whole.column_names
    assert streamed[:] == whole[:]


def test_no_more_rows_are_read_than_asked_for_and_none_twice(place, monkeypatch):
    config, _ = place
    read = []
    original = streaming.StreamedSplit.select

    def counted(self, numbers):
        stream = self._stream.map(lambda row: read.append(row["text"]) or row)
        return original(streaming.StreamedSplit(stream, self._rows, self._source, self._cache), numbers)

    monkeypatch.setattr(streaming.StreamedSplit, "select", counted)
    monkeypatch.setattr(datasets, "load_dataset", None)  # which would read all
    definition = task("train[:5]", streaming=True)
    first = load_split("t", definition, "train", ["text"], config)
    assert len(read) <= 6  # the library looks one row ahead
    read.clear()
    sources._from_hub.cache_clear()
    assert load_split("t", definition, "train", ["text"], config)[:] == first[:]
    assert not read


def test_other_data_is_read_anew(place):
    config, _ = place
    definition = task("train[:2]", streaming=True)
    load_split("t", definition, "train", ["text"], config)
    rows = datasets.Dataset.from_dict({"text": ["new", "newer", "newest"], "label": ["yes", "no", "no"]})
    clone = f"{config.hub_dir}/owner/name"
    rows.to_parquet(f"{clone}/train.parquet")
    (sources.Path(clone) / "README.md").unlink(missing_ok=True)
    sources._from_hub.cache_clear()
    assert load_split("t", definition, "train", ["text"], config)["text"][:] == ["new", "newer"]


@pytest.mark.parametrize("spec", ["train[:10%]", "train[-5:]", "train[:-5]"])
def test_what_hangs_on_the_number_of_rows_needs_it(place, spec):
    config, kind = place
    if kind == "stated":
        whole, streamed = (load_split("t", task(spec, streaming=on), "train", ["text"], config) for on in (False, True))
        assert streamed[:] == whole[:]
    else:
        with pytest.raises(DataError, match=r"does not state how many rows it has, so count them from its first"):
            load_split("t", task(spec, streaming=True), "train", ["text"], config)


def test_rows_that_cannot_be_read_are_one_clear_error_and_leave_nothing(place):
    config, _ = place
    definition = task("train[:5]", streaming=True)
    assert has_split(definition, "train", config)
    (sources.Path(config.hub_dir) / "owner" / "name" / "train.parquet").write_bytes(b"no longer there")
    with pytest.raises(DataError, match=r"cannot be (read|loaded): .*[Pp]arquet"):
        load_split("t", definition, "train", ["text"], config)
    assert not list(sources.Path(config.cache_dir).rglob("*.arrow"))


def test_rows_that_somebody_changed_in_the_cache_are_read_again(place):
    config, _ = place
    definition = task("train[:20]", streaming=True)
    first = load_split("t", definition, "train", ["text"], config)[:]
    file = next(sources.Path(config.cache_dir).rglob("*.arrow"))
    content = file.read_bytes()
    for changed in (content.replace(b"t11", b"t99"), content[:-8], b"", bytes(len(content))):
        assert changed != content
        file.write_bytes(changed)
        assert load_split("t", definition, "train", ["text"], config)[:] == first
        assert file.read_bytes() == content


def stream_of(rows, folder):
    """All of some rows, streamed from a data set that does not state its columns."""
    stream = datasets.IterableDataset.from_generator(lambda: iter(rows))
    return StreamedSplit(stream, len(rows), "source", folder / "cache").select(range(len(rows)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"x": "one"}] * 1200 + [{"x": 1}], "row 1201 is a whole number, and row 1 is a text"),
        ([{"x": 1}, 3], "do not fit into columns"),
        ([], "no rows"),
    ],
    ids=["a number after texts", "no mapping", "no row"],
)
def test_rows_that_fit_no_columns_are_an_error_of_the_data(tmp_path, rows, message):
    with pytest.raises(datasets.exceptions.DatasetGenerationError, match=message):
        stream_of(rows, tmp_path)
    assert not list((tmp_path / "cache").rglob("*"))


@pytest.mark.parametrize("last", [{"x": "late"}, {"y": "late"}, {"y": [1.5]}, {"x": {"z": 1}}], ids=str)
def test_columns_that_nobody_states_may_begin_in_any_row(tmp_path, last):
    rows = [{"x": None, "z": 1}] * 12_000 + [{"z": 2} | last]
    names = sorted(rows[0] | rows[-1])
    assert stream_of(rows, tmp_path).to_list() == [{name: row.get(name) for name in names} for row in rows]
    assert [file.suffix for file in sorted((tmp_path / "cache").iterdir())] == [".arrow", ".json"]


def test_splits_are_known_without_reading(place):
    config, _ = place
    assert has_split(task(streaming=True), "train", config)
    assert not has_split(task(streaming=True), "validation", config)
    with pytest.raises(DataError, match=r"the data has no split 'trian'\. Did you mean 'train'"):
        load_split("t", task("trian", streaming=True), "train", ["text"], config)


def test_files_are_not_streamed(tmp_path):
    file = write_jsonl(tmp_path / "x.jsonl", [{"text": "a", "label": "yes"}])
    with pytest.raises(ValueError, match="'streaming' go with 'path'"):
        TaskDefinition(
            task_type="classification", text=["text"], dataset={"files": {"train": str(file)}, "streaming": True}
        )
