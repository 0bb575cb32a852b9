"""Public data sets in their own files: small files of the same forms, each read with a few lines of YAML."""

import json

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskLibrary


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


JON = {"text": "Jon", "label": 0}
PASSAGE = {
    "idx": 3,
    "version": 1.1,
    "passage": {
        "text": "Ida sold the old mill. Jon bought it.",
        "questions": [
            {"question": "Who sold it?", "idx": 0, "answers": [{"text": "Ida", "label": 1}, JON]},
            {"question": "What?", "idx": 1, "answers": [{"text": "a mill", "idx": 2, "label": 1}]},
        ],
    },
}  # fmt: skip
ADVERSARIAL = {
    "sst2": [{"idx": 0, "label": 1, "sentence": "a goood film", "method": "typo"}],
    "qqp": [{"idx": 0, "label": 0, "question1": "why?", "question2": "how?"}],
}
SICK = (
    "pair_ID\tsentence_A\tsentence_B\tentailment_label\trelatedness_score\tSemEval_set\n"
    "1\tA dog runs\tA cat runs\tNEUTRAL\t3.2\tTRAIN\n2\tA man sings\tNobody sings\tCONTRADICTION\t2.9\tTRIAL\n"
)

QUESTION = {"id": "1", "question": "Who?", "is_impossible": False, "answers": [{"text": "Bo", "answer_start": 0}]}
BANK = {"word": "bank", "sentence1": "The bank closed.", "sentence2": "A river bank.", "label": False, "start1": 4}
MELTED = {"premise": "The ice melted.", "choice1": "It froze.", "choice2": "It was warm.", "question": "cause"}
STEM = {"stem": "What melts?", "choices": [{"text": "ice", "label": "A"}, {"text": "sand", "label": "B"}]}

FORMS = {
    "cb": (
        "cb.jsonl",
        lines({"premise": "It rains.", "hypothesis": "it is wet", "label": "entailment", "idx": 0}),
        """
t:
  task_type: classification
  dataset: {files: cb.jsonl}
  text: [premise, hypothesis]
  labels: [entailment, contradiction, neutral]
""",
        {"premise": "It rains.", "hypothesis": "it is wet", "label": "entailment"},
    ),
    "copa": (
        "copa.jsonl",
        lines({**MELTED, "label": 1, "idx": 0}),
        """
t:
  task_type: multiple_choice
  dataset: {files: copa.jsonl}
  text: "{premise} What was the {question}?"
  options: {choices: [choice1, choice2]}
""",
        {
            "{premise} What was the {question}?": "The ice melted. What was the cause?",
            "choice1": "It froze.",
            "choice2": "It was warm.",
            "label": 1,
        },
    ),
    "sick": (
        "SICK.txt",
        SICK,
        """
t:
  task_type: classification
  dataset: {files: SICK.txt, format: tsv, split_column: SemEval_set}
  text: [sentence_A, sentence_B]
  label: entailment_label
  labels: [ENTAILMENT, NEUTRAL, CONTRADICTION]
  splits: {validation: TRIAL}
""",
        {"sentence_A": "A dog runs", "sentence_B": "A cat runs", "entailment_label": "NEUTRAL"},
    ),
    "sick's scores": (
        "SICK.txt",
        SICK,
        """
t:
  task_type: regression
  dataset: {files: SICK.txt, delimiter: tab, split_column: SemEval_set}
  text: [sentence_A, sentence_B]
  label: relatedness_score
  splits: {validation: TRIAL}
""",
        {"sentence_A": "A dog runs", "sentence_B": "A cat runs", "relatedness_score": "3.2"},
    ),
    "boolq": (
        "boolq.jsonl",
        lines({"question": "is ice cold", "passage": "Ice is frozen.", "idx": 0, "label": True}),
        """
t:
  task_type: classification
  dataset: {files: boolq.jsonl}
  text: [question, passage]
  labels: ["False", "True"]
""",
        {"question": "is ice cold", "passage": "Ice is frozen.", "label": True},
    ),
    "wic": (
        "wic.jsonl",
        lines({**BANK, "version": 1.1}),
        """
t:
  task_type: classification
  dataset: {files: wic.jsonl}
  text: ["{word}: {sentence1}", "{word}: {sentence2}"]
  labels: ["False", "True"]
""",
        {"{word}: {sentence1}": "bank: The bank closed.", "{word}: {sentence2}": "bank: A river bank.", "label": False},
    ),
    "trec": (
        "train_5500.label",
        "LOC:city Where is the fair ?\nNUM:count How many moons are there ?\n",
        """
t:
  task_type: classification
  dataset: {files: train_5500.label, delimiter: blank, columns: [label, text], holdout: 50%}
  text: text
  labels: ["LOC:city", "NUM:count"]
""",
        {"text": None, "label": None},  # One of the two is held out.
    ),
    "conll": (
        "eng.train",
        "-DOCSTART- -X- -X- O\n\nAda NNP B-NP B-PER\nspoke VBD B-VP O\n\n",
        """
t:
  task_type: tagging
  dataset: {files: eng.train, format: conll, columns: [words, pos, chunks, tags]}
  text: words
  label: tags
  labels: [O, B-PER, I-PER]
""",
        {"words": ["Ada", "spoke"], "tags": ["B-PER", "O"]},
    ),
    "multirc": (
        "multirc.jsonl",
        lines(PASSAGE),
        """
t:
  task_type: classification
  dataset: {files: multirc.jsonl, explode: passage.questions.answers}
  text: ["{passage.text} {passage.questions.question}", passage.questions.answers.text]
  label: passage.questions.answers.label
  labels: ["0", "1"]
""",
        {
            "{passage.text} {passage.questions.question}": "Ida sold the old mill. Jon bought it. Who sold it?",
            "passage.questions.answers.text": "Ida",
            "passage.questions.answers.label": 1,
        },
    ),
    "multirc as ranking": (
        "multirc.jsonl",
        lines(PASSAGE),
        """
t:
  task_type: ranking
  dataset: {files: multirc.jsonl, explode: passage.questions}
  text: "{passage.text} {passage.questions.question}"
  label: passage.questions.answers.label
  options: {candidates: passage.questions.answers.text}
""",
        {
            "{passage.text} {passage.questions.question}": "Ida sold the old mill. Jon bought it. Who sold it?",
            "passage.questions.answers.text": ["Ida", "Jon"],
            "passage.questions.answers.label": [1, 0],
        },
    ),
    "advglue": (
        "dev.json",
        json.dumps(ADVERSARIAL, indent=1),
        """
t:
  task_type: classification
  dataset: {files: dev.json, field: sst2}
  text: sentence
  labels: ["0", "1"]
""",
        {"sentence": "a goood film", "label": 1},
    ),
    "arc": (
        "arc.jsonl",
        lines({"question": STEM, "answerKey": "A"}),
        """
t:
  task_type: multiple_choice
  dataset: {files: arc.jsonl}
  text: question.stem
  label: answerKey
  labels: [A, B]
  options: {choices: question.choices.text}
""",
        {"question.stem": "What melts?", "question.choices.text": ["ice", "sand"], "answerKey": "A"},
    ),
    "squad": (
        "dev-v2.0.json",
        json.dumps({"data": [{"title": "x", "paragraphs": [{"context": "Bo naps.", "qas": [QUESTION]}]}]}),
        """
t:
  task_type: span
  dataset: {files: dev-v2.0.json, format: squad}
  text: [question, context]
  label: answers
""",
        {"question": "Who?", "context": "Bo naps.", "answers": {"text": ["Bo"], "answer_start": [0]}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_public_sets_own_file_needs_yaml_alone(tmp_path, name):
    file, content, yaml, first = FORMS[name]
    assert len(yaml.strip().splitlines()) <= 8
    (tmp_path / file).write_text(content)
    (tmp_path / "t.yaml").write_text(yaml)
    definition = TaskLibrary([tmp_path / "t.yaml"])["t"]
    task = build_task("t", definition)
    row = load_split("t", definition, "train", task.columns, DataConfig())[0]
    row.pop("row")
    assert row == first if None not in first.values() else row.keys() == first.keys()
