"""Local clones of Hub data sets: which files are read, and what a stranger's clone cannot do."""

import gzip
import io
import json
import resource
import socket
import tarfile

import datasets
import pyarrow as pa
import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import file_digests, has_split, load_split
from mtsmart.errors import DataError
from mtsmart.tasks import TaskDefinition
from tests.conftest import write_jsonl

LINE = b'{"text": "a", "label": "yes"}\n'


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "hub" / "me" / "rows"
    folder.mkdir(parents=True)
    return folder


def task(name=None, streaming=False, split="train"):
    source = {"path": "me/rows", "name": name, "streaming": streaming}
    return TaskDefinition(
        task_type="classification", text=["text"], labels=["no", "yes"], dataset=source, splits={"train": split}
    )


def config(clone):
    return DataConfig(hub_dir=str(clone.parents[1]), cache_dir=str(clone.parents[2] / "cache"))


def texts(clone, name=None, split="train"):
    """The texts of a split, which are the same when it is streamed."""
    read = [
        load_split("t", task(name, streaming, split), "train", ["text"], config(clone))["text"][:]
        for streaming in (False, True)
    ]
    assert read[0] == read[1]
    return read[0]


def refused(clone, message, name=None):
    with pytest.raises(DataError, match=message) as caught:
        load_split("t", task(name), "train", ["text"], config(clone))
    assert "\n" not in str(caught.value)


def put(clone, *names):
    """Files of one row each, whose text is the file's name."""
    for name in names:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        write_jsonl(clone / name, [{"text": name, "label": "yes"}])


def card(clone, text):
    (clone / "README.md").write_text(f"---\n{text}\n---\nMore.\n")


@pytest.mark.parametrize(
    ("names", "split", "expected"),
    [
        (["b.jsonl", "a.jsonl", "LICENSE", ".x.jsonl"], "train", ["a.jsonl", "b.jsonl"]),
        (["my-dev.jsonl", "train_1.jsonl", "latest.jsonl"], "validation", ["my-dev.jsonl"]),
        (["my-dev.jsonl", "train_1.jsonl", "latest.jsonl"], "train", ["train_1.jsonl"]),
        (["train/x.jsonl", "eval/test.jsonl"], "test", ["eval/test.jsonl"]),
        (["data/extra-00000-of-00002.jsonl", "data/extra-00001-of-00002.jsonl", "train.jsonl"], "extra",
         ["data/extra-00000-of-00002.jsonl", "data/extra-00001-of-00002.jsonl"]),
    ],
)  # fmt: skip
def test_names_say_which_split_a_file_is_of(clone, names, split, expected):
    put(clone, *names)
    assert texts(clone, split=split) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ("one.jsonl", ["one.jsonl"]),
        ("['b/*.jsonl', one.jsonl]", ["b/1.jsonl", "b/2.jsonl", "one.jsonl"]),
        ("[{split: train, path: ['**/1.jsonl']}, {split: test, path: one.jsonl}]", ["a/b/1.jsonl", "b/1.jsonl"]),
        ("{train: 'a/**'}", ["a/b/1.jsonl"]),
    ],
)
def test_a_card_says_which_files_are_read(clone, files, expected):
    put(clone, "one.jsonl", "b/1.jsonl", "b/2.jsonl", "a/b/1.jsonl")
    card(clone, f"configs:\n- {{config_name: x, data_files: {files}}}\n- {{config_name: y, data_files: one.jsonl}}")
    assert texts(clone, "x") == expected
    refused(clone, r"has no such configuration, got 'z'\. Choose from: x, y", "z")
    refused(clone, "has several configurations, so the task must give a 'name'")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.csv", b"text,label\na,1\n"),
        ("train.tsv", b"text\tlabel\na\t1\n"),
        ("train.json", b' [{"text": "a", "label": 1}\n, {"text": "b", "label": 0}]\n'),
        ("train.json", b'{"text": "a", "label": 1}\n'),
        ("train.jsonl", b'{"text": "a", "label": "yes"}\n'),
    ],
)
@pytest.mark.parametrize("packing", ["", "gzip", "bz2", "zstd"])
def test_every_form_is_read_also_compressed(clone, name, content, packing):
    """Label numbers have the names that the card gives them, also in the texts of csv."""
    card(clone, "dataset_info:\n  features:\n  - {name: label, dtype: {class_label: {names: {'0': no, '1': yes}}}}")
    ending = {"": "", "gzip": ".gz", "bz2": ".bz2", "zstd": ".zst"}[packing]
    with pa.output_stream(str(clone / (name + ending)), compression=packing or None) as stream:
        stream.write(content)
    rows = load_split("t", task(), "train", ["text"], config(clone))
    assert (rows["text"][0], rows["label"][0]) == ("a", "yes")


def archive(clone):
    with tarfile.open(clone / "train.tar", "w") as tar:
        member = tarfile.TarInfo("a.pth")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))


def with_card(text):
    return lambda clone: (put(clone, "train.jsonl"), card(clone, text))


def with_file(name, content=b"x"):
    return lambda clone: (clone / name).write_bytes(content)


def with_files_of(path):
    return with_card(f"configs:\n- config_name: default\n  data_files: '{path}'")


def linked(name, target):
    return lambda clone: (clone / name).symlink_to(target)


def bomb(name, block, times):
    def write(clone):
        (clone / name).write_bytes(gzip.compress(block) * times)  # Compressed parts make a file one behind another.

    return write


HOSTILE = [
    (archive, r"has no data files that are read\. It has train\.tar\. Read are csv, tsv, jsonl, json, parquet"),
    (with_file("rows.py", b"open('ran', 'w')"), r"has no data files that are read\. It has rows\.py"),
    (with_file("train.pkl", b"cos\nmkdir\n(S'ran'\ntR."), "has no data files that are read"),
    (with_file("train.zip"), "has no data files that are read"),
    (with_file("train.jpg"), "has no data files that are read"),
    (with_files_of("http://127.0.0.1:9/d.jsonl"), "names a data file that is not in the clone"),
    (with_files_of("hf://datasets/a/b/c.jsonl"), "names a data file that is not in the clone"),
    (with_files_of("zip://x.jsonl::https://127.0.0.1/x.zip"), "names a data file that is not in the clone"),
    (with_files_of("../../../outside.jsonl"), "names a data file that is not in the clone"),
    (with_files_of("a/../../../../outside.jsonl"), "names a data file that is not in the clone"),
    (with_files_of("/etc/passwd"), "names a data file that is not in the clone"),
    (with_files_of("~/x.jsonl"), "names a data file that is not in the clone"),
    (with_files_of("rows.py"), "has no data files that are read"),
    (with_files_of("README.md"), "is no data file of a kind that is read"),
    (with_card("configs:\n- {config_name: x, data_dir: ../.., data_files: outside.jsonl}"), "data files that are read"),
    (with_card("dataset_info: !!python/object/apply:os.mkdir ['ran']"), r"README\.md:2: .* is not allowed"),
    (with_card("a: &a [x, x]\nb: &b [*a, *a]\nconfigs: !y [*b]"), r"README\.md:4: tags are not allowed"),
    (with_card("x: [" * 50 + "]" * 50), r"README\.md:2: is nested too deeply"),
    (with_card("x: [" + "{}," * 2_000_000 + "]"), "has more than 2,000,000 characters of YAML"),
    (with_card("configs: [x: ["), r"README\.md:\d: is not valid YAML"),
    (linked("train.jsonl", "/etc/passwd"), "is a link to a file outside the clone"),
    (linked("train.jsonl", "../../../outside.jsonl"), "is a link to a file outside the clone"),
    (bomb("train.jsonl.gz", b" " * 10_000_000, 54), r"takes more than 512 MB when it is read"),
    (bomb("train.csv.gz", b"a,b\n" * 2_000_000, 68), r"takes more than 512 MB when it is read"),
    (with_file("train.jsonl.gz", gzip.compress(LINE * 9)[:-20]), "cannot be expanded|is not"),
    (with_file("train.jsonl.zst"), "cannot be expanded"),
    (with_file("train.parquet"), "is not a readable parquet file"),
    (with_file("train.json", b"[" * 5_000_000), "is not valid JSON"),
    (with_file("train.json", b'[{"text": "a"}'), r"train\.json, row 2: is not valid JSON"),
    (with_file("dataset_infos.json", b"[" * 10_000), "dataset_infos.json: cannot be read|no data files"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_strangers_clone_is_one_message(clone, make, message, monkeypatch):
    """It takes little memory, reaches no network, and reads and writes no other folder."""
    calls = []
    monkeypatch.setattr(socket.socket, "connect", lambda *place: calls.append(place))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets, "load_dataset_builder", None)
    monkeypatch.chdir(clone.parent)
    write_jsonl(clone.parents[2] / "outside.jsonl", [{"text": "secret", "label": "yes"}])
    make(clone)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(clone, message)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 2**28
    assert not calls
    assert not list(clone.parents[2].rglob("ran"))


def test_the_hubs_own_cache_is_a_clone(clone):
    """Its files are links to files beside it."""
    repository = clone / "datasets--me--rows"
    snapshot = repository / "snapshots" / "abc"
    (repository / "blobs").mkdir(parents=True)
    snapshot.mkdir(parents=True)
    (repository / "blobs" / "0123").write_bytes(LINE)
    (snapshot / "train.jsonl").symlink_to("../../blobs/0123")
    source = task().model_copy(update={"dataset": task().dataset.model_copy(update={"path": str(snapshot)})})
    assert load_split("t", source, "train", ["text"], config(clone))["text"][:] == ["a"]


def test_a_folder_of_this_name_in_the_working_directory_is_read_like_a_clone(clone, monkeypatch):
    archive(clone)
    monkeypatch.chdir(clone.parents[1])
    with pytest.raises(DataError, match="has no data files that are read"):
        load_split("t", task(), "train", ["text"], DataConfig(cache_dir=str(clone.parents[2] / "cache")))


def test_rows_lie_on_the_disk_without_a_name_and_types_may_widen(clone):
    write_jsonl(clone / "a.jsonl", [{"text": "a", "score": 1}])
    write_jsonl(clone / "b.jsonl", [{"text": "b", "score": 0.5, "more": "x"}])
    rows = load_split("t", task(), "train", ["text", "score", "more"], config(clone))
    assert (rows["score"][:], rows["more"][:]) == ([1.0, 0.5], [None, "x"])
    assert not [path for path in (clone.parents[2] / "cache").rglob("*") if path.is_file()]


def test_a_clone_is_known_by_the_content_of_its_files(clone):
    put(clone, "train.jsonl")
    before = file_digests(task(), "train", config(clone))
    assert before and has_split(task(), "train", config(clone))
    card(clone, "dataset_info: {features: [{name: label, dtype: {class_label: {names: [x, y]}}}]}")
    assert file_digests(task(), "train", config(clone)) != before
    (clone / "README.md").unlink()
    assert file_digests(task(), "train", config(clone)) == before
    (clone / "train.jsonl").write_text(json.dumps({"text": "b", "label": "no"}) + "\n")
    assert file_digests(task(), "train", config(clone)) != before
    assert file_digests(task(streaming=True), "train", config(clone)) is None
