"""Cached rows: what somebody changes in a cached file is recognised, and never reaches rows that are open already.

``MTSMART_CACHE_CHANGES`` sets the number of single-byte changes.
"""

import logging
import os
import pickle
import random
import struct

import datasets
import pyarrow as pa
import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data import sealed
from mtsmart.data.encoding import encode_split, recall, remember
from mtsmart.data.sealed import open_sealed, seal, seal_of

CHANGES = int(os.environ.get("MTSMART_CACHE_CHANGES", "30"))
ROWS = 50
TOKENS = [[number % 7] * (number % 5 + 1) for number in range(ROWS)]
IDENTITY = {"file": "d.csv"}


def encode(batch):
    return {"input_ids": [TOKENS[row] for row in batch["row"]], "row": batch["row"]}


@pytest.fixture
def cached(tmp_path):
    """A cached split: its settings, and the files of the cache."""
    config = DataConfig(cache_dir=str(tmp_path))
    remember(IDENTITY, make(config), config)
    return config, sorted((tmp_path / "encoded").iterdir())


def make(config):
    source = datasets.Dataset.from_dict({"row": list(range(ROWS))})
    return encode_split(source, encode, {}, config, dropped=3)


def found(config):
    """The split as the next start finds it."""
    return recall(IDENTITY, config) or make(config)


def test_each_change_of_a_byte_is_recognised_or_harmless(cached):
    config, files = cached
    contents = {file: file.read_bytes() for file in files}
    assert [file.suffix for file in files].count(".json") == 2 and len(files) == 3
    drawn = random.Random(0)
    for _ in range(CHANGES):
        file = drawn.choice(files)
        changed = bytearray(contents[file])
        changed[drawn.randrange(len(changed))] ^= drawn.randrange(1, 256)
        file.write_bytes(changed)
        split = found(config)
        assert split.rows["input_ids"][:] == TOKENS and split.dropped == 3
        for name, content in contents.items():
            name.write_bytes(content)


def offsets_out_of_range(content):
    """All offsets of the tokens lead far out of the file, whose size stays the same."""
    raw = pa.ipc.open_stream(content).read_all().column("input_ids").chunk(0).buffers()[1].to_pybytes()
    place = content.index(raw)
    count = len(raw) // 4 - 2
    return content[: place + 4] + struct.pack("<i", 2**30) * count + content[place + 4 + 4 * count :]


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("sealed_anew", [False, True], ids=["", "sealed anew"])
def test_offsets_that_lead_out_of_the_file_are_recognised(cached, caplog, monkeypatch, large, sealed_anew):
    """Also if somebody sealed the damaged file."""
    if large:
        monkeypatch.setattr(sealed, "_IN_MEMORY", 100)
    config, files = cached
    (file,) = (file for file in files if file.suffix == ".arrow")
    damaged = offsets_out_of_range(file.read_bytes())
    if sealed_anew:
        stored = seal_of(file).read_text().replace(digest_of(file.read_bytes()), digest_of(damaged))
        seal_of(file).write_text(stored)
    file.write_bytes(damaged)
    with caplog.at_level(logging.INFO, logger="mtsmart"):
        assert found(config).rows["input_ids"][:] == TOKENS
    assert {record.getMessage() for record in caplog.records} == {f"{file}: is damaged, so it is made again"}


def digest_of(content):
    import hashlib

    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_what_happens_to_the_file_later_does_not_reach_open_rows(tmp_path, monkeypatch, large):
    """Somebody cuts it, overwrites it in place, or deletes it."""
    if large:
        monkeypatch.setattr(sealed, "_IN_MEMORY", 100)
    config = DataConfig(cache_dir=str(tmp_path))
    split = make(config)
    (file,) = (tmp_path / "encoded").glob("*.arrow")
    reopened = open_sealed(file)
    size = file.stat().st_size
    for change in (lambda: file.write_bytes(bytes(size)), lambda: os.truncate(file, 0), file.unlink):
        change()
        assert split.rows[:]["input_ids"] == reopened[:]["input_ids"] == TOKENS
    assert pickle.loads(pickle.dumps(reopened))[:] == reopened[:]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [seal_of(file)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "5", "{}", '{"bytes": -1}', '{"bytes": 1e400, "rows": 1, "sha256": ""}', '{"bytes": "x"}', "[" * 10**5],
)
def test_a_seal_of_any_content_is_no_seal(cached, text):
    config, files = cached
    (file,) = (file for file in files if file.suffix == ".arrow")
    seal_of(file).write_text(text)
    assert open_sealed(file) is None
    assert found(config).rows["input_ids"][:] == TOKENS


def test_a_pipe_in_place_of_a_cached_file_is_not_read(cached):
    config, files = cached
    (file,) = (file for file in files if file.suffix == ".arrow")
    file.unlink()
    os.mkfifo(file)
    assert found(config).rows["input_ids"][:] == TOKENS


def test_a_read_only_cache_can_be_read(cached, monkeypatch):
    monkeypatch.setattr(sealed, "_IN_MEMORY", 100)
    _, files = cached
    made = sealed.tempfile.TemporaryFile

    def refusing(dir=None, **options):
        if dir is not None:
            raise PermissionError(13, "Permission denied")
        return made(**options)

    monkeypatch.setattr(sealed.tempfile, "TemporaryFile", refusing)
    (file,) = (file for file in files if file.suffix == ".arrow")
    assert open_sealed(file)["input_ids"][:] == TOKENS


def test_a_sealed_file_opens_with_the_rows_that_were_sealed(tmp_path):
    file = tmp_path / "x.arrow"
    table = pa.table({"a": [1, 2, 3]})
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert open_sealed(file) is None
    assert seal(file).to_list() == open_sealed(file).to_list() == table.to_pylist()
