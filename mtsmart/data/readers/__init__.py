"""Readers of files that nobody vouches for: bounded in memory, width and depth, with the row named in every error.

One module a format: csv and tsv (``delimited``), ``jsonl`` (and json), ``parquet``. ``forms`` has CoNLL's columns,
whole files, what JSON nests, and hints for files that are written otherwise; ``packed`` expands compressed ones.
``clones`` finds the files of local clones of Hub data sets with what their ``card`` says; ``streaming`` reads parts of
data sets, ``spilled`` keeps rows on the disk, and ``fields`` reads columns whose text stands for something else.
"""

from mtsmart.data.readers.clones import Clone, features_of, list_files, open_clone
from mtsmart.data.readers.columns import CHUNK, MAX_CHUNK, joined
from mtsmart.data.readers.fields import FieldParser, parse_fields
from mtsmart.data.readers.files import (
    WITHOUT_NULL,
    Layout,
    kind_of_file,
    read_source_file,
    read_table,
    read_tables,
    whole_rows,
)
from mtsmart.data.readers.forms.hints import WordsWarning
from mtsmart.data.readers.forms.nested import ITEM
from mtsmart.data.readers.forms.second_names import SecondName
from mtsmart.data.readers.spilled import spilled
from mtsmart.data.readers.streaming import StreamedSplit, open_streamed, stream_clone

__all__ = [
    "CHUNK",
    "ITEM",
    "MAX_CHUNK",
    "WITHOUT_NULL",
    "Clone",
    "FieldParser",
    "Layout",
    "SecondName",
    "StreamedSplit",
    "WordsWarning",
    "features_of",
    "joined",
    "kind_of_file",
    "list_files",
    "open_clone",
    "open_streamed",
    "parse_fields",
    "read_source_file",
    "read_table",
    "read_tables",
    "spilled",
    "stream_clone",
    "whole_rows",
]
