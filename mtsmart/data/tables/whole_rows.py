"""Rows of the library ``datasets`` that are made of tables of Arrow, or get a column.

``datasets`` gives each data set a fingerprint, for which it hashes every value unless it is told one.
"""

from __future__ import annotations

import uuid
from typing import Any

import datasets
import numpy as np
import pyarrow as pa


def rows_of_table(table: Any, info: datasets.DatasetInfo | None = None) -> datasets.Dataset:
    """The rows of a table.

    Args:
        table: a table of Arrow, or one of ``datasets``.
        info: the features of its columns; None: as the types say.
    """
    return datasets.Dataset(table, info=info, fingerprint=uuid.uuid4().hex)


def with_column(
    rows: datasets.Dataset, name: str, values: list[Any] | np.ndarray | pa.ChunkedArray, feature: Any = None
) -> datasets.Dataset:
    """The rows with a column after all others, in the place of one of this name.

    Args:
        rows: the rows.
        name: of the column.
        values: one for each row.
        feature: of the column; None: as the values say.
    """
    if rows.column_names == [name]:  # rows without any column would be none
        features = None if feature is None else datasets.Features({name: feature})
        return datasets.Dataset.from_dict({name: values}, features)
    if name in rows.column_names:
        rows = rows.remove_columns(name)
    return rows.add_column(name, values, new_fingerprint=uuid.uuid4().hex, feature=feature)
