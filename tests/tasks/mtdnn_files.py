"""Task files in MT-DNN's form and data for them: one task for each kind that the form has."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtsmart.tasks import TaskDefinition
from tests.conftest import WORDS, sentences

SPLITS = ("train", "dev", "test")
SINGLE, PAIR = ["id", "label", "premise"], ["id", "label", "premise", "hypothesis"]
TAGS = ["O", "B-ANIMAL", "I-ANIMAL"]


@dataclass
class Case:
    """One task of MT-DNN's.

    Attributes:
        entry: its keys and values in the task file, as YAML.
        expected: our definition, without ``dataset.files``.
        row: (random generator) -> the fields of a data line, or a JSON object.
        splits: names of its splits.
        split_map: our split -> one of them.
        ending: of its files.
    """

    entry: str
    expected: dict[str, Any]
    row: Any
    splits: tuple[str, ...] = SPLITS
    split_map: dict[str, str] = field(default_factory=lambda: {"validation": "dev"})
    ending: str = "tsv"

    def definition(self, name: str, folder: Path) -> TaskDefinition:
        files = {split: str(folder / f"{name}_{split}.{self.ending}") for split in self.splits}
        data = {"head": {"dropout": 0.1}, "splits": self.split_map, "replaces_shipped": True, **self.expected}
        return TaskDefinition.model_validate({**data, "dataset": {**data["dataset"], "files": files}})

    def write(self, name: str, folder: Path) -> None:
        """The task file ``tasks.yml`` and the data files."""
        (folder / "tasks.yml").write_text(f"{name}:\n{self.entry}")
        for number, split in enumerate(self.splits):
            rng = random.Random(number)
            rows = [self.row(rng, str(index)) for index in range(8)]
            lines = [json.dumps(row) if isinstance(row, dict) else "\t".join(row) for row in rows]
            (folder / f"{name}_{split}.{self.ending}").write_text("\n".join(lines) + "\n")


def text(rng: random.Random) -> str:
    return sentences(1, rng.randrange(10**6))[0]


def tagged(rng: random.Random, index: str) -> list[str]:
    words = text(rng).split()
    tags = [rng.choice(TAGS) for _ in words]
    return [index, str(tags), str(words)]  # as Python prints lists


def asked(rng: random.Random, index: str, impossible: bool = False) -> list[str]:
    context = text(rng)
    answer = rng.choice(context.split())
    start = context.index(answer)
    label = "-1:::-1:::1:::" if impossible else f"{start}:::{start + len(answer)}:::0:::{answer}"
    return [index, label, context, text(rng)]


def asked_json(rng: random.Random, index: str) -> dict[str, Any]:
    _, label, context, question = asked(rng, index)
    start, _, _, answer = label.split(":::")
    answers = [{"text": answer, "answer_start": int(start)}]
    return {"id": index, "context": context, "question": question, "answer": answers}


def ranked(rng: random.Random, index: str, good: str, bad: str) -> list[str]:
    first = rng.random() < 0.5
    labels = f"{good},{bad}" if first else f"{bad},{good}"
    return [index, f"{index},{index}", labels, text(rng), text(rng), text(rng)]


def cloze(rng: random.Random, index: str) -> list[str]:
    choices = rng.sample(WORDS, 3)
    texts = [f"{choice} {text(rng)}" for choice in choices]
    return [index, str(choices), str(choices[:1]), "[1, 0, 0]", text(rng), *texts]


def _classification(columns: list[str], labels: list[str], metrics: list[str], **more: Any) -> dict[str, Any]:
    return {
        "task_type": "classification",
        "dataset": {"columns": columns},
        "text": columns[2:],
        "labels": labels,
        "metrics": metrics,
        **more,
    }


def _span(metrics: list[str], **more: Any) -> dict[str, Any]:
    dataset = {"columns": ["id", "answers", "premise", "hypothesis"], "parse": {"answers": "answer"}}
    return {
        "task_type": "span",
        "dataset": dataset,
        "text": ["hypothesis", "premise"],
        "label": "answers",
        "metrics": metrics,
        **more,
    }


def _ranking(columns: list[str], metrics: list[str] | None, **dataset: Any) -> dict[str, Any]:
    return {
        "task_type": "ranking",
        "dataset": {"columns": columns, "parse": {"label": "numbers"}, **dataset},
        "text": ["premise"],
        "options": {"candidates": "hypothesis"},
        "metrics": metrics,
    }


def _tagging(labels: list[str], metrics: list[str], **more: Any) -> dict[str, Any]:
    return {
        "task_type": "tagging",
        "dataset": {"columns": SINGLE, "parse": {"label": "list", "premise": "list"}},
        "text": ["premise"],
        "labels": labels,
        "metrics": metrics,
        **more,
    }


ENTITIES = ["entity_f1", "entity_precision", "entity_recall"]
LISTED = ["id", "ids", "label", "premise", "hypothesis..."]
CASES = {
    "cola": Case(
        """
  data_format: PremiseOnly
  dropout_p: 0.05
  enable_san: false
  metric_meta: [ACC, MCC]
  loss: CeCriterion
  adv_loss: SymKlCriterion
  n_class: 2
  task_type: Classification
""",
        _classification(SINGLE, ["0", "1"], ["accuracy", "mcc"], head={"dropout": 0.05}),
        lambda rng, index: [index, rng.choice("01"), text(rng)],
    ),
    "sst": Case(
        """
  data_format: PremiseOnly
  encoder_type: BERT
  enable_san: False
  metric_meta: [ACC]
  n_class: 2
  kd_loss: KlCriterion
  adv_loss: JSCriterion
  task_type: Classification
""",
        _classification(SINGLE, ["0", "1"], ["accuracy"], kd_loss="kl", adv_loss="js"),
        lambda rng, index: [index, rng.choice("01"), text(rng)],
    ),
    "mnli": Case(
        """
  data_format: PremiseAndOneHypothesis
  enable_san: false
  labels: [contradiction, neutral, entailment]
  metric_meta: [ACC, F1MAC]
  n_class: 3
  split_names: [train, matched_dev, mismatched_dev, matched_test, mismatched_test]
  task_type: Classification
""",
        _classification(PAIR, ["contradiction", "neutral", "entailment"], ["accuracy", "macro_f1"]),
        lambda rng, index: [index, rng.choice(["contradiction", "neutral", "entailment"]), text(rng), text(rng)],
        ("train", "matched_dev", "mismatched_dev", "matched_test", "mismatched_test"),
        {"validation": "matched_dev", "test": "matched_test"},
    ),
    "stsb": Case(
        """
  data_format: PremiseAndOneHypothesis
  enable_san: false
  metric_meta: [Pearson, Spearman]
  n_class: 1
  loss: MseCriterion
  kd_loss: MseCriterion
  adv_loss: MseCriterion
  task_type: Regression
""",
        {
            "task_type": "regression",
            "dataset": {"columns": PAIR},
            "text": ["premise", "hypothesis"],
            "metrics": ["pearson", "spearman"],
        },
        lambda rng, index: [index, f"{rng.uniform(0, 5):.2f}", text(rng), text(rng)],
    ),
    "qnnli": Case(
        """
  data_format: PremiseAndMultiHypothesis
  enable_san: false
  labels: [not_entailment, entailment]
  metric_meta: [ACC]
  loss: RankCeCriterion
  n_class: 1
  task_type: Ranking
""",
        {**_ranking(LISTED, ["top1"], parse={"label": "names"}), "labels": ["not_entailment", "entailment"]},
        lambda rng, index: ranked(rng, index, "entailment", "not_entailment"),
    ),
    "copa": Case(
        """
  data_format: PremiseAndMultiHypothesis
  enable_san: false
  metric_meta: [ACC]
  n_class: 1
  task_type: Ranking
""",
        _ranking(LISTED, ["top1"]),
        lambda rng, index: ranked(rng, index, "1", "0"),
    ),
    "record": Case(
        """
  data_format: ClozeChoice
  enable_san: false
  metric_meta: [EmF1]
  loss: RankCeCriterion
  n_class: 1
  task_type: ClozeChoice
""",
        _ranking(["id", "choice", "answer", "label", "premise", "hypothesis..."], ["top1"]),
        cloze,
    ),
    "ner": Case(
        """
  data_format: Seqence
  dropout_p: 0.3
  enable_san: False
  labels: [O, B-ANIMAL, I-ANIMAL, X, CLS, SEP]
  metric_meta: [SeqEval]
  n_class: 6
  loss: SeqCeCriterion
  split_names: [train, dev, test]
  task_type: SeqenceLabeling
""",
        _tagging(TAGS, ENTITIES, head={"dropout": 0.3}),
        tagged,
    ),
    "chunk": Case(
        """
  data_format: Seqence
  enable_san: False
  labels: [B-ANIMAL, I-ANIMAL, O]
  metric_meta: [SeqEvalList, ACC]
  n_class: 3
  task_type: SeqenceLabeling
""",
        _tagging(["B-ANIMAL", "I-ANIMAL", "O"], [*ENTITIES, "tag_accuracy"]),
        tagged,
    ),
    "pos": Case(
        """
  data_format: Seqence
  enable_san: False
  labels: [O, B-ANIMAL, I-ANIMAL, ',', "''", NN|SYM]
  metric_meta: [SeqEval]
  n_class: 6
  task_type: SeqenceLabeling
""",
        _tagging([*TAGS, ",", "''", "NN|SYM"], ["tag_accuracy"]),
        tagged,
    ),
    "squad": Case(
        """
  data_format: MRC
  enable_san: false
  metric_meta: [EmF1]
  n_class: 2
  task_type: Span
  loss: SpanCeCriterion
  adv_loss: SymKlCriterion
  split_names: [train, dev]
""",
        _span(["answer_f1", "answer_exact"]),
        asked,
        ("train", "dev"),
    ),
    "squad-v2": Case(
        """
  data_format: MRC
  enable_san: false
  metric_meta: [EmF12]
  n_class: 2
  task_type: SpanClassificationYN
  split_names: [train, dev]
""",
        _span(["answer_f1", "answer_exact"], options={"no_answer": True}),
        lambda rng, index: asked(rng, index, impossible=int(index) % 2 == 0),
        ("train", "dev"),
    ),
    "clue": Case(
        """
  data_format: CLUE_SPAN
  enable_san: false
  metric_meta: [EmF1]
  n_class: 2
  task_type: SpanClassification
  split_names: [train, dev]
""",
        {
            "task_type": "span",
            "dataset": {"format": "jsonl", "parse": {"answer": "answers"}},
            "text": ["question", "context"],
            "label": "answer",
            "metrics": ["answer_f1", "answer_exact"],
        },
        asked_json,
        ("train", "dev"),
        ending="json",
    ),
    "clue-class": Case(
        """
  data_format: CLUE_CLASSIFICATION
  enable_san: false
  labels: [yes, no]
  metric_meta: [F1MIC]
  n_class: 2
  task_type: Classification
""",
        {
            "task_type": "classification",
            "dataset": {"format": "jsonl", "parse": {"answer": "first"}},
            "text": ["question", "context"],
            "label": "answer",
            "labels": ["yes", "no"],
            "metrics": ["accuracy"],
        },
        lambda rng, index: {
            "id": index,
            "question": text(rng),
            "context": text(rng),
            "answer": [rng.choice(["yes", "no"])],
        },
        ending="json",
    ),
    "mlm": Case(
        """
  data_format: MLM
  enable_san: false
  metric_meta: [ACC]
  n_class: 30522
  task_type: MaskLM
  loss: MlmCriterion
  adv_loss: SymKlCriterion
""",
        {
            "task_type": "masked_lm",
            "dataset": {"columns": SINGLE},
            "text": ["premise"],
            "metrics": ["token_accuracy"],
        },
        lambda rng, index: [index, "0", text(rng)],
    ),
}


def write_all(folder: Path) -> None:
    """A task file ``tasks.yml`` with all cases, and their data files."""
    for name, case in CASES.items():
        case.write(name, folder)
    (folder / "tasks.yml").write_text("".join(f"{name}:{case.entry}" for name, case in CASES.items()))
