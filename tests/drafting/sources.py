"""Small data of many forms, each as somebody might have it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import WORDS, sentences, write_jsonl

ROWS = 60
CITIES = ["Oslo", "Rome", "Lima"]


def rows(**columns: Any) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def cycle(*values: Any) -> list[Any]:
    return [values[number % len(values)] for number in range(ROWS)]


def texts(seed: int = 0) -> list[str]:
    return [f"{text} the house sees a dog" for text in sentences(ROWS, seed)]


def write_csv(file: Path, data: list[dict[str, Any]], delimiter: str = ",", header: bool = True) -> str:
    lines = [delimiter.join(data[0])] if header else []
    lines += [delimiter.join("" if value is None else str(value) for value in row.values()) for row in data]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def reviews(folder: Path) -> list[str]:
    data = rows(id=range(1, ROWS + 1), text=texts(), label=cycle("pos", "neg"))
    return [write_csv(folder / "reviews.csv", data)]


def stars(folder: Path) -> list[str]:
    return [write_csv(folder / "stars.csv", rows(review=texts(), stars=cycle(1, 2, 3, 4, 5)), ";")]


def pairs(folder: Path) -> list[str]:
    data = rows(sentence1=texts(), sentence2=texts(1), score=[round(number / 13, 2) for number in range(ROWS)])
    return [write_csv(folder / f"{split}.tsv", data, "\t") for split in ("train", "dev")]


def topics(folder: Path) -> list[str]:
    data = rows(title=sentences(ROWS), body=[None, *texts()[1:]], topic=cycle("art", "art", "law", "art"))
    return [str(write_jsonl(folder / "topics.jsonl", data))]


def toxic(folder: Path) -> list[str]:
    data = rows(comment=texts(), insult=cycle(0, 1), threat=cycle(0, 0, 1), spam=cycle(1, 0, 0, 0))
    return [write_csv(folder / "toxic.csv", data)]


def moods(folder: Path) -> list[str]:
    data = rows(text=texts(), moods=cycle(["calm"], ["glad", "calm"], [], ["sad"]))
    table = pa.Table.from_pylist(data)
    pq.write_table(table, folder / "moods.parquet")
    return [str(folder / "moods.parquet")]


def _sentences() -> Iterator[list[tuple[str, str]]]:
    draw = random.Random(0)
    for _ in range(ROWS):
        words = draw.choices(WORDS, k=4)
        yield [(word, "O") for word in words] + [("New", "B-PLACE"), (draw.choice(CITIES), "I-PLACE")]


def entities(folder: Path) -> list[str]:
    text = "\n\n".join("\n".join(f"{word} NN {tag}" for word, tag in sentence) for sentence in _sentences())
    (folder / "entities.txt").write_text(text + "\n", encoding="utf-8")
    return [str(folder / "entities.txt")]


def tags(folder: Path) -> list[str]:
    data = [{"tokens": [word for word, _ in each], "tags": [tag for _, tag in each]} for each in _sentences()]
    return [str(write_jsonl(folder / "tags.jsonl", data))]


def answers(folder: Path) -> list[str]:
    paragraphs = []
    for number, text in enumerate(texts()):
        question = {"id": str(number), "question": "what sees a dog?"}
        question["answers"] = [] if number % 5 == 0 else [{"text": "house", "answer_start": text.index("house")}]
        paragraphs.append({"context": text, "qas": [question]})
    (folder / "answers.json").write_text(json.dumps({"data": [{"title": "a", "paragraphs": paragraphs}]}))
    return [str(folder / "answers.json")]


def quiz(folder: Path) -> list[str]:
    data = rows(question=texts(), choices=cycle(["a red car", "a big dog"], ["the cat", "old"]), answer=cycle(0, 1, 1))
    return [str(write_jsonl(folder / "quiz.jsonl", data))]


def questions(folder: Path) -> list[str]:
    lines = [f"{label} {text}" for label, text in zip(cycle("PLACE", "WHO", "WHEN"), texts(), strict=True)]
    (folder / "questions.label").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [str(folder / "questions.label")]


def folder_of_splits(folder: Path) -> list[str]:
    for split in ("training", "valid", "test"):
        write_csv(folder / f"{split}.csv", rows(text=texts(), label=cycle("yes", "no")))
    return [str(folder)]


def one_file_of_splits(folder: Path) -> list[str]:
    data = rows(text=texts(), label=cycle("no", "yes"), set=cycle("TRAIN", "TRAIN", "TRAIN", "DEV"))
    (folder / "all.json").write_text(json.dumps({"version": 1, "items": data}), encoding="utf-8")
    return [str(folder / "all.json")]


def plain(folder: Path) -> list[str]:
    (folder / "plain.txt").write_text("\n".join(texts()) + "\n", encoding="utf-8")
    return [str(folder / "plain.txt")]


def without_header(folder: Path) -> list[str]:
    data = rows(text=texts(), label=cycle("red", "blue"))
    return [write_csv(folder / "bare.csv", data, header=False)]


def passages(folder: Path) -> list[str]:
    """Rows of one candidate each, four a query."""
    queries = [text for text in sentences(ROWS // 4, 7) for _ in range(4)]
    data = rows(
        qid=[number // 4 for number in range(ROWS)], query=queries, passage=texts(), relevance=cycle(0, 1, 0, 2)
    )
    return [str(write_jsonl(folder / "passages.jsonl", data))]


def genres(folder: Path) -> list[str]:
    values = cycle("comedy|drama", "drama", "comedy", "war|drama", "war", "war|comedy")
    return [write_csv(folder / "genres.csv", rows(plot=texts(), genre=values))]


def replies(folder: Path) -> list[str]:
    """A column of sentences that may be labels, because each is there often."""
    values = cycle("look into the lower box", "ask the people next door", "nobody can know that")
    return [write_csv(folder / "replies.csv", rows(note=texts(), reply=values))]


def years(folder: Path) -> list[str]:
    return [write_csv(folder / "years.csv", rows(text=texts(), year=cycle(1990, 2001, 2012)))]


def numbered(folder: Path) -> list[str]:
    return [write_csv(folder / "numbered.csv", rows(doc_id=range(100, 100 + ROWS), ref=range(ROWS), text=texts()))]


def new_in_validation(folder: Path) -> list[str]:
    write_csv(folder / "train.csv", rows(text=texts(), label=cycle("a", "b")))
    data = rows(text=[None, *texts(1)[1:]], label=cycle("a", "b", "c"))
    write_csv(folder / "dev.csv", data)
    return [str(folder)]
