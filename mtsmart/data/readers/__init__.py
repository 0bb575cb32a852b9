"""Readers of files that nobody vouches for: bounded in memory, width and depth, with the row named in every error.

One file a format: csv and tsv (``delimited``), ``jsonl``, ``parquet``; ``streaming`` reads parts of Hub data sets, and
``fields`` reads columns whose text stands for something else.
"""

from mtsmart.data.readers.fields import parse_fields
from mtsmart.data.readers.files import read_table
from mtsmart.data.readers.streaming import StreamedSplit, open_streamed

__all__ = ["StreamedSplit", "open_streamed", "parse_fields", "read_table"]
