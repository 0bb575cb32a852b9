"""Small files that would fill the memory: they are refused before they do."""

import re
import resource
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtsmart.data.readers import read_table
from mtsmart.errors import DataError
from tests.forked import Forked

MEMORY = 2**30  # bytes that a reader may take more than there were


def write_endless(file, beginning):
    """A line of 600 million characters that takes no room on the disk: the rest of the file is a hole."""
    with file.open("wb") as stream:
        stream.write(beginning)
        stream.truncate(600_000_000)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("texts.parquet", r"takes more than 512 MB when it is read"),
        ("zeros.parquet", r"takes more than 512 MB when it is read"),
        ("line.jsonl", r"line.jsonl:2: is a line of more than 16,000,000 characters"),
        ("line.csv", r"line.csv:2: is a line of more than 16,000,000 characters"),
        ("row.csv", r"row.csv:2: begins a row of more than 16,000,000 characters"),
        ("open.csv", r"open.csv:2: .*field larger than field limit"),
    ],
)
def test_bombs_are_refused_before_they_fill_the_memory(tmp_path, name, message):
    file = tmp_path / name
    if name == "texts.parquet":  # one long text, named a million times
        array = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), pa.array(["x" * 1_000_000]))
        pq.write_table(pa.table({"text": array}), file, compression="zstd")
    elif name == "zeros.parquet":
        zeros = pa.array(np.zeros(1_000_000, np.int64))
        columns = {f"c{i}": zeros for i in range(100)}
        pq.write_table(pa.table(columns), file, compression="zstd", use_dictionary=False)
    elif name == "line.jsonl":
        write_endless(file, b'{"text": "a"}\n{"text": "')
    elif name == "line.csv":
        write_endless(file, b"text\n")
    elif name == "row.csv":  # short lines, but a quoted line break leaves the row open on each
        file.write_bytes(b"text\n" + (b'"' + b"a" * 96 + b'\n",') * 3_000_000)
    else:
        file.write_bytes(b'text\n"' + (b"x" * 99 + b"\n") * 2_000_000)
    process = Forked(read_and_tell, file, out=tmp_path / "told", err=tmp_path / "taken")
    assert process.wait() == 0
    assert re.search(message, process.out.read_text()), process.out.read_text()
    assert int(process.err.read_text().split()[-1]) < MEMORY


def read_and_tell(file: Path) -> None:
    """The message goes to standard output, and to standard error how many bytes more this process had at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        read_table(file)
    except DataError as error:
        print(error)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024, file=sys.stderr)
