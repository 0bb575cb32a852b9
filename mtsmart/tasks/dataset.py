"""Where a task's rows come from, and how its data files are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.tasks.habits import data_file_text, names_data_file

FieldForm = Literal[
    "text", "decimal_point", "decimal_comma", "json", "list", "numbers", "names", "first", "answer", "answers"
]
FileKind = Literal["csv", "tsv", "jsonl", "json", "parquet", "conll", "squad", "text"]
BLANK = "blank"
"""The delimiter that stands for one or several blanks or tabs."""
INTO_DATASET = "into the task's dataset"
"""Where a message says that a setting of this class belongs."""
_DELIMITERS = {"tab": "\t", BLANK: BLANK}
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_OF_FILES = ("format", "columns", "parse", "delimiter", "escape", "field", "explode", "split_column")
"""The settings that say how data files are read."""


def _is_delimiter(value: str) -> str:
    if value == "\\t":
        raise ValueError("is a backslash and a t between single quotes, or none: write tab")
    if value not in _DELIMITERS and (len(value) != 1 or value in '"\r\n'):
        raise ValueError(f"must be one character such as ';', or tab, or {BLANK} (blanks and tabs, any number)")
    return value


def _is_escape(value: str) -> str:
    if len(value) != 1 or value in '"\r\n':
        raise ValueError("must be one character, for example '\\'")
    return value


def _is_holdout(value: str | int) -> str | int:
    share = _SHARE.fullmatch(value) if isinstance(value, str) else None
    is_share = share is not None and 0 < float(share[1]) < 100
    if not is_share and (isinstance(value, str) or value < 1):
        raise ValueError("must be a share of the rows such as 20%, or a number of rows")
    return value


def _is_no_fraction(value: Any) -> Any:
    if isinstance(value, float):
        share = f": {100 * value:g}%" if 0 < value < 1 else " such as 20%"
        raise ValueError(f"must be a share of the rows{share}, or a number of rows")
    return value


class FoldConfig(StrictModel):
    """One of several parts of the training rows becomes the validation split; an experiment's `folds` writes this."""

    number: int = Field(ge=1, description="which part, from 1")
    of: int = Field(ge=2, le=1000, description="the number of parts")
    group_column: str | None = Field(None, description="column whose equal values stay in one part")

    @model_validator(mode="after")
    def _is_one_of_them(self) -> FoldConfig:
        if self.number > self.of:
            raise Misfit(f"is more than the {self.of} parts", ("number",), self.number)
        return self


class PerturbConfig(StrictModel):
    """How the texts of a task's rows are changed when they are read, to tell how robust another task's head is."""

    kind: str = Field(
        description="typos (a slip in a word); word_order (neighbours change places); synonyms (other words of the "
        "same meaning)"
    )
    share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="of the words (word_order: of the pairs of neighbours) that can be changed; at least one is, if a "
        "text has any; null: 0.15 (synonyms: 1)",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="of what is drawn, beside the kind and the text itself")

    @model_validator(mode="before")
    @classmethod
    def _name_alone_is_the_kind(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value


class DatasetSource(StrictModel):
    """Where a task's rows come from: a data set on the Hub (or its local clone), or data files."""

    main_key = "path"

    path: str | None = Field(None, description="Hub id, for example nyu-mll/glue")
    name: str | None = Field(None, description="configuration of the Hub data set")
    revision: str | None = Field(None, description="Hub branch, tag or commit")
    streaming: bool = Field(
        False, description="read only the rows that the splits ask for, without downloading the whole Hub data set"
    )
    files: dict[str, str | list[str]] | None = Field(
        None,
        description="split -> data file, list of files, or pattern such as parts/*.csv, relative to the task file; "
        "without splits: the files of train",
    )
    format: FileKind | None = Field(
        None,
        description="what the files are, whatever their names' ending; text: each file is one text, with the columns "
        "text, folder and file; null: as the ending says",
    )
    columns: list[str] | None = Field(
        None,
        min_length=1,
        description="names of the columns of csv or tsv files without a header, and of conll files; a last name that "
        "ends in ... takes all further fields of the line, as a list",
    )
    delimiter: Annotated[str, AfterValidator(_is_delimiter)] | None = Field(
        None,
        description="what stands between the fields of csv, tsv and conll files: one character, tab, or blank (any "
        "number of blanks; the last column takes the rest of the line); null: as the format says",
    )
    escape: Annotated[str, AfterValidator(_is_escape)] | None = Field(
        None, description="the character before a quote that is text, in csv files that do not double it"
    )
    field: str | None = Field(
        None, min_length=1, description="where the list of rows stands in a JSON file, for example data.items"
    )
    explode: str | None = Field(
        None, min_length=1, description="a list within the rows of a JSON file, each item of which becomes a row: a.b"
    )
    split_column: str | None = Field(
        None, min_length=1, description="the column that says of which split a row is; 'files' then have no splits"
    )
    parse: dict[str, FieldForm] = Field(
        default_factory=dict,
        description="column -> how it is read: text (numbers, true and false become texts); "
        "decimal_point (1,234.5 or 85 %); decimal_comma (1.234,5); json; "
        "list (as JSON or Python prints it); numbers (1,0,0.5); names (a,b); first (of a list); "
        "answer (start:::end:::impossible:::text); answers (list of text and answer_start)",
    )
    holdout: Annotated[str | int, BeforeValidator(_is_no_fraction), AfterValidator(_is_holdout)] | None = Field(
        None,
        description="this share (20%) or number of the training rows becomes the validation split: drawn with 'seed', "
        "each label with its share",
    )
    group_column: str | None = Field(
        None,
        min_length=1,
        description="column whose equal values, such as a passage of several questions, stay on one side where "
        "'holdout' or 'fold' draws rows",
    )
    fold: FoldConfig | None = Field(
        None,
        description="this part of the training rows is the validation split, in the place of any other: parts of equal "
        "size, drawn with 'seed', each label (of numbers: each tenth of them) with its share",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="of the rows that 'holdout' and 'fold' draw")
    perturb: PerturbConfig | None = Field(
        None,
        description="how the texts are changed (only with evaluation_only): a kind such as typos, or its settings; "
        "null: not at all",
    )

    @classmethod
    def reason_unknown(cls, key: str) -> str | None:
        """What is written in the place of a key that an earlier version had."""
        return "Write 'shots' beside 'dataset'" if key == "few" else None

    @model_validator(mode="before")
    @classmethod
    def _file_alone(cls, value: Any) -> Any:
        if isinstance(value, str) and names_data_file(value):
            raise Misfit(f"'{value}' is a data file: write dataset: {{files: {{train: {value}}}}}", ())
        return value

    @field_validator("files", mode="before")
    @classmethod
    def _files_of_train(cls, value: Any) -> Any:
        return {"train": value} if isinstance(value, str | list) else value

    @model_validator(mode="after")
    def _one_source(self) -> DatasetSource:
        if self.path is not None and names_data_file(self.path):
            raise Misfit(data_file_text(self.path), ("path",))
        if (self.path is None) == (self.files is None):
            raise ValueError("give either 'path' (a Hub data set) or 'files' (split: file)")
        if self.files is not None and (self.name or self.revision or self.streaming):
            raise ValueError("'name', 'revision' and 'streaming' go with 'path', not with 'files'")
        if self.files is None and (given := [key for key in _OF_FILES if getattr(self, key)]):
            raise ValueError(f"'{given[0]}' goes with 'files', not with 'path'")
        if self.holdout is not None and self.fold is not None:
            raise Misfit(
                "'fold' makes the validation split too", ("holdout",), self.holdout, "Leave one of the two out"
            )
        if self.group_column is not None and not self.draws_validation:
            message = "says which rows stay together where rows are drawn, and none are"
            raise Misfit(message, ("group_column",), self.group_column, "It goes with 'holdout', such as holdout: 20%")
        if self.streaming and self.draws_validation:
            raise ValueError("'holdout' and 'fold' need all rows, so they do not go with 'streaming'")
        return self

    @model_validator(mode="after")
    def _columns_fit(self) -> DatasetSource:
        if (problem := problem_of_columns(self.columns or [], self.format)) is not None:
            raise ValueError(problem)
        names = self.column_names
        unknown = [column for column in self.parse if names and column not in names]
        if unknown:
            raise ValueError(f"'parse' names '{unknown[0]}', which 'columns' lacks")
        return self

    @model_validator(mode="after")
    def _files_fit(self) -> DatasetSource:
        empty = [split for split, files in (self.files or {}).items() if not files]
        if empty:
            raise Misfit("names no file", ("files", empty[0]))
        if self.split_column is not None and len(self.files or {}) > 1:
            hint = "Write files: all.csv, or files: [a.csv, b.csv]"
            raise Misfit("the column says of which split a row is, so 'files' has no splits", ("files",), hint=hint)
        return self

    @property
    def file_names(self) -> list[str]:
        """The files and patterns of all splits, as ``files`` names them."""
        return [name for entry in (self.files or {}).values() for name in names_of(entry)]

    @property
    def draws_validation(self) -> bool:
        """Whether the validation split is drawn from the training rows."""
        return self.holdout is not None or self.fold is not None

    @property
    def column_names(self) -> list[str]:
        """The names in ``columns``, without the dots of a last name that takes all further fields."""
        return _without_dots(self.columns or [])

    @property
    def separator(self) -> str | None:
        """The character of ``delimiter``, or ``BLANK``; None where the format says it."""
        return None if self.delimiter is None else _DELIMITERS.get(self.delimiter, self.delimiter)

    def held_out(self, rows: int) -> int:
        """How many of ``rows`` training rows ``holdout`` takes, rounded to the nearest whole number."""
        if isinstance(self.holdout, str):
            return round(float(self.holdout.rstrip(" %")) / 100 * rows)
        return self.holdout or 0


def names_of(entry: str | Sequence[str]) -> list[str]:
    """The files and patterns of a split, for which a task names one or a list."""
    return [entry] if isinstance(entry, str) else list(entry)


def problem_of_columns(columns: Sequence[str], kind: FileKind | str | None) -> str | None:
    """Why these cannot be the columns of a file without a header; None if they can.

    Args:
        columns: their names; the last one may end with ``...``.
        kind: what the file is; None: as its ending says.
    """
    names = _without_dots(columns)
    if not all(names):
        return "a column has no name"
    if len(set(names)) < len(names):
        return "two columns have the same name"
    is_open = [name.endswith("...") for name in columns]
    if any(is_open[:-1]) or (kind == "conll" and any(is_open)):
        return "only the last column may take all further fields (and none in a conll file)"
    return None


def _without_dots(columns: Sequence[str]) -> list[str]:
    return [name.removesuffix("...") for name in columns]
