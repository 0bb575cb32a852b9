"""Small data sets with the files, columns and labels of those on the Hub that suites read, as local clones."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import datasets
import yaml
from datasets import ClassLabel, Value

from tests.conftest import sentences, write_jsonl

TRAIN = 8
TEST = 4
THREE = ["entailment", "neutral", "contradiction"]
ENTAILS = ["entailment", "not_entailment"]
TRUTH = ["False", "True"]
Rows = Callable[[int, random.Random, bool], list[dict[str, Any]]]
"""(number of rows, random numbers, whether labels are hidden) -> rows."""


def texts(*columns: str, labels: list[str] | None = None, ids: bool = True, **more: str) -> Rows:
    """Rows of texts and a label's number; the columns in ``more`` have the same text in all rows."""

    def rows(count: int, rng: random.Random, hidden: bool) -> list[dict[str, Any]]:
        made = []
        for number in range(count):
            row: dict[str, Any] = dict(zip(columns, sentences(len(columns), rng.randrange(999)), strict=True)) | more
            if labels is not None:
                row["label"] = -1 if hidden else number % len(labels)
            made.append(row | ({"idx": number} if ids else {}))
        return made

    return rows


def scores(count: int, rng: random.Random, hidden: bool) -> list[dict[str, Any]]:
    rows = texts("sentence1", "sentence2")(count, rng, hidden)
    return [{**row, "label": -1.0 if hidden else float(number % 6)} for number, row in enumerate(rows)]


def multirc(count: int, rng: random.Random, hidden: bool) -> list[dict[str, Any]]:
    """Two answers to each question, two questions about each paragraph."""
    rows = texts("paragraph", "question", "answer", labels=TRUTH)(count, rng, hidden)
    places = [{"paragraph": n // 4, "question": n // 2, "answer": n} for n in range(count)]
    return [{**row, "idx": place} for row, place in zip(rows, places, strict=True)]


def record(count: int, rng: random.Random, hidden: bool) -> list[dict[str, Any]]:
    rows = texts("passage")(count, rng, hidden)
    entities = ["the cat", "a big dog", "dog"]
    return [
        {
            "passage": row["passage"],
            "query": "@placeholder runs",
            "entities": entities,
            "answers": [] if hidden else entities[1:][: 1 + number % 2],
            "idx": {"passage": number // 2, "query": number},
        }
        for number, row in enumerate(rows)
    ]


def wic(count: int, rng: random.Random, hidden: bool) -> list[dict[str, Any]]:
    places = {"word": "dog", "sentence1": "the dog runs", "sentence2": "a big dog", "start1": 4, "end1": 7}
    rows = texts(labels=TRUTH)(count, rng, hidden)
    return [{**places, "start2": 6, "end2": 9, **row} for row in rows]


def wsc(count: int, rng: random.Random, hidden: bool) -> list[dict[str, Any]]:
    words = {"text": "the dog sees a cat and it runs", "span1_index": 0, "span1_text": "the dog"}
    return [{**words, "span2_index": 6, "span2_text": "it", **row} for row in texts(labels=TRUTH)(count, rng, hidden)]


def hans(count: int, rng: random.Random, hidden: bool) -> list[dict[str, Any]]:
    rows = texts("premise", "hypothesis", labels=["entailment", "non-entailment"], ids=False)(count, rng, hidden)
    kinds = ["lexical_overlap", "subsequence"]
    return [{**row, "heuristic": kinds[number // 2 % 2], "subcase": "x"} for number, row in enumerate(rows)]


def write_clone(folder: Path, configs: Mapping[str, tuple[Rows, list[str] | None, Mapping[str, int]]]) -> None:
    """A data set with several configurations: name -> rows, names of labels, split -> number of rows.

    Rows of splits whose name begins with ``test`` have no labels, unless the number is negative.
    """
    listed = []
    for name, (rows, labels, splits) in configs.items():
        files = []
        for split, count in splits.items():
            hidden = split.startswith("test") and count > 0
            made = datasets.Dataset.from_list(rows(abs(count), random.Random(f"{name} {split}"), hidden))
            if labels is not None:
                made = made.cast_column("label", ClassLabel(names=labels))
            if "idx" in made.column_names and made.features["idx"] == Value("int64"):
                made = made.cast_column("idx", Value("int32"))
            target = folder / name / f"{split}-00000-of-00001.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            made.to_parquet(target)
            files.append({"split": split, "path": f"{name}/{split}-*"})
        listed.append({"config_name": name, "data_files": files})
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump({'configs': listed})}---\n", encoding="utf-8")


ALL = {"train": TRAIN, "validation": TEST, "test": TEST}
OPEN = {"train": TRAIN, "validation": TEST, "test": -TEST}
MNLI = {"train": TRAIN, **{f"{s}_{g}": TEST for s in ("validation", "test") for g in ("matched", "mismatched")}}


def _labelled(labels: list[str], splits: Mapping[str, int], *columns: str, **more: str) -> Any:
    return texts(*columns, labels=labels, **more), labels, splits


GLUE = {
    "cola": _labelled(["unacceptable", "acceptable"], ALL, "sentence"),
    "sst2": _labelled(["negative", "positive"], ALL, "sentence"),
    "mrpc": _labelled(["not_equivalent", "equivalent"], ALL, "sentence1", "sentence2"),
    "qqp": _labelled(["not_duplicate", "duplicate"], ALL, "question1", "question2"),
    "stsb": (scores, None, ALL),
    "mnli": _labelled(THREE, MNLI, "premise", "hypothesis"),
    "qnli": _labelled(ENTAILS, ALL, "question", "sentence"),
    "rte": _labelled(ENTAILS, ALL, "sentence1", "sentence2"),
    "wnli": _labelled(ENTAILS[::-1], ALL, "sentence1", "sentence2"),
    "ax": _labelled(THREE, {"test": TEST}, "premise", "hypothesis"),
}
SUPERGLUE = {
    "boolq": _labelled(TRUTH, ALL, "question", "passage"),
    "cb": _labelled(["entailment", "contradiction", "neutral"], ALL, "premise", "hypothesis"),
    "copa": _labelled(["choice1", "choice2"], ALL, "premise", "choice1", "choice2", question="cause"),
    "multirc": (multirc, TRUTH, ALL),
    "record": (record, None, ALL),
    "rte": _labelled(ENTAILS, ALL, "premise", "hypothesis"),
    "wic": (wic, TRUTH, ALL),
    "wsc.fixed": (wsc, TRUTH, ALL),
    "axb": _labelled(ENTAILS, {"test": TEST}, "sentence1", "sentence2"),
    "axg": _labelled(ENTAILS, {"test": TEST}, "premise", "hypothesis"),
}
DEV = {"validation": TEST}
ADVGLUE = {
    "adv_sst2": _labelled(["negative", "positive"], DEV, "sentence"),
    "adv_qqp": _labelled(["not_duplicate", "duplicate"], DEV, "question1", "question2"),
    "adv_mnli": _labelled(THREE, DEV, "premise", "hypothesis"),
    "adv_mnli_mismatched": _labelled(THREE, DEV, "premise", "hypothesis"),
    "adv_qnli": _labelled(ENTAILS, DEV, "question", "sentence"),
    "adv_rte": _labelled(ENTAILS, DEV, "sentence1", "sentence2"),
}
ROUNDS = {
    f"{split}_r{n}": -count - n for n in (1, 2, 3) for split, count in (("train", TRAIN), ("dev", 4), ("test", 4))
}
STRESS = ("antonym", "numerical_reasoning", "word_overlap", "negation", "length_mismatch", "spelling_error")


def write_stubs(hub: Path) -> None:
    """All data sets, under their Hub ids."""
    write_clone(hub / "nyu-mll" / "glue", GLUE)
    write_clone(hub / "aps" / "super_glue", SUPERGLUE)
    write_clone(hub / "AI-Secure" / "adv_glue", ADVGLUE)
    write_clone(
        hub / "facebook" / "anli", {"plain_text": _labelled(THREE, ROUNDS, "premise", "hypothesis", reason="x")}
    )
    stress = _labelled(THREE, dict.fromkeys(STRESS, TEST), "sentence1", "sentence2", gold_label="neutral")
    write_clone(hub / "pietrolesci" / "stress_tests_nli", {"default": stress})
    write_clone(
        hub / "jhu-cogsci" / "hans", {"plain_text": (hans, ["entailment", "non-entailment"], {"validation": 8})}
    )
    paws = _labelled(["0", "1"], OPEN, "sentence1", "sentence2")
    write_clone(hub / "google-research-datasets" / "paws", {"labeled_final": paws})
    for split, count in OPEN.items():
        rows = texts("premise", "hypothesis", labels=THREE)(abs(count) * 2, random.Random(split), False)
        named = [{**row, "label": THREE[row["label"]]} for row in rows]
        revised = hub / "sagnikrayc" / "snli-cf-kaushik" / "plain_text" / split / "0000.parquet"
        revised.parent.mkdir(parents=True)
        datasets.Dataset.from_list(named).to_parquet(revised)
        wanli = hub / "alisawuffles" / "WANLI" / f"{split}.jsonl"
        wanli.parent.mkdir(parents=True, exist_ok=True)
        if split != "validation":
            write_jsonl(wanli, [{"gold": row["label"], "genre": "generated", **row} for row in named])
