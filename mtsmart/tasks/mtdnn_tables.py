"""What the names in MT-DNN's task files stand for here.

A text in place of an entry says why there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GENERATION = "generates text, which mtsmart does not: it fine-tunes encoders"

KEYS = (
    "data_format",
    "task_type",
    "n_class",
    "labels",
    "metric_meta",
    "split_names",
    "enable_san",
    "dropout_p",
    "loss",
    "kd_loss",
    "adv_loss",
    "encoder_type",
    "actf",
)
# Keys that no definition of ours has. A file with one of them is in MT-DNN's form.
SIGNATURE = frozenset({"data_format", "n_class", "metric_meta", "enable_san", "split_names", "dropout_p"})
IGNORED = {
    "encoder_type": "is ignored: the experiment names the encoder",
    "actf": "is ignored: the head has the architecture's own activation",
}
SUBWORD_LABELS = ("X", "CLS", "SEP", "[CLS]", "[SEP]")
DEFAULT_SPLITS = ("train", "dev", "test")
DEFAULT_DROPOUT = 0.1


@dataclass(frozen=True)
class Layout:
    """How the files of a data format are read.

    Attributes:
        text: the input's columns.
        columns: of a tsv file without a header; None: the files hold a JSON object a line.
        label: the label column.
        parse: column -> form.
    """

    text: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    label: str = "label"
    parse: Mapping[str, str] = field(default_factory=dict)

    @property
    def ending(self) -> str:
        """The ending of the file names."""
        return "json" if self.columns is None else "tsv"


DATA_FORMATS: dict[str, Layout | str] = {
    "PremiseOnly": Layout(("premise",), ("id", "label", "premise")),
    "PremiseAndOneHypothesis": Layout(("premise", "hypothesis"), ("id", "label", "premise", "hypothesis")),
    "PremiseAndMultiHypothesis": Layout(
        ("premise",), ("id", "ids", "label", "premise", "hypothesis..."), parse={"label": "numbers"}
    ),
    "Seqence": Layout(("premise",), ("id", "label", "premise"), parse={"label": "list", "premise": "list"}),
    "MRC": Layout(
        ("hypothesis", "premise"),
        ("id", "answers", "premise", "hypothesis"),
        label="answers",
        parse={"answers": "answer"},
    ),
    "MLM": Layout(("premise",), ("id", "label", "premise")),
    "ClozeChoice": Layout(
        ("premise",), ("id", "choice", "answer", "label", "premise", "hypothesis..."), parse={"label": "numbers"}
    ),
    "CLUE_CLASSIFICATION": Layout(("question", "context"), label="answer", parse={"answer": "first"}),
    "CLUE_SPAN": Layout(("question", "context"), label="answer", parse={"answer": "answers"}),
    "CLUE_SEQ": "marks any number of spans in running text; write the data as words and tags, with format Seqence",
    "CLUE_GEN": GENERATION,
}


@dataclass(frozen=True)
class Kind:
    """What a task type becomes.

    Attributes:
        task_type: ours.
        formats: the data formats that go with it.
        criterion: MT-DNN's name of the criterion that ours is.
        divergence: MT-DNN's name of the divergence that is our default.
        options: the task type's own settings.
    """

    task_type: str
    formats: tuple[str, ...]
    criterion: str
    divergence: str = "SymKlCriterion"
    options: Mapping[str, object] = field(default_factory=dict)


_SINGLE_OR_PAIR = ("PremiseOnly", "PremiseAndOneHypothesis")
_SPAN = Kind("span", ("MRC", "CLUE_SPAN"), "SpanCeCriterion")
_SPAN_OR_NONE = Kind("span", ("MRC", "CLUE_SPAN"), "SpanCeCriterion", options={"no_answer": True})

TASK_TYPES: dict[str, Kind | str] = {
    "Classification": Kind("classification", (*_SINGLE_OR_PAIR, "CLUE_CLASSIFICATION"), "CeCriterion"),
    "Regression": Kind("regression", _SINGLE_OR_PAIR, "MseCriterion", "MseCriterion"),
    "Ranking": Kind("ranking", ("PremiseAndMultiHypothesis",), "RankCeCriterion", options={"candidates": "hypothesis"}),
    "Span": _SPAN,
    "SpanYN": _SPAN_OR_NONE,
    "SpanClassification": _SPAN,
    "SpanClassificationYN": _SPAN_OR_NONE,
    "SeqenceLabeling": Kind("tagging", ("Seqence",), "SeqCeCriterion"),
    "SpanSeqenceLabeling": "marks any number of spans in running text; use SeqenceLabeling with words and tags",
    "MaskLM": Kind("masked_lm", ("MLM", "PremiseOnly"), "MlmCriterion"),
    "ClozeChoice": Kind("ranking", ("ClozeChoice",), "RankCeCriterion", options={"candidates": "hypothesis"}),
    "SeqenceGeneration": GENERATION,
    "SeqenceGenerationMRC": GENERATION,
    "EncSeqenceGeneration": GENERATION,
}

# Metric -> our task type -> our metrics; a missing pair has no counterpart.
METRICS: dict[str, dict[str, tuple[str, ...]]] = {
    "ACC": {
        "classification": ("accuracy",),
        "tagging": ("tag_accuracy",),
        "ranking": ("top1",),
        "masked_lm": ("token_accuracy",),
    },
    "F1": {"classification": ("f1",), "tagging": ("entity_f1",)},
    "F1MAC": {"classification": ("macro_f1",)},
    "F1MIC": {"classification": ("accuracy",)},
    "MCC": {"classification": ("mcc",)},
    "AUC": {"classification": ("macro_f1",)},
    "Pearson": {"regression": ("pearson",)},
    "Spearman": {"regression": ("spearman",)},
    "SeqEval": {"tagging": ("entity_f1", "entity_precision", "entity_recall")},
    "SeqEvalList": {"tagging": ("entity_f1", "entity_precision", "entity_recall")},
    "NERACC": {"tagging": ("entity_f1", "entity_precision", "entity_recall")},
    "EmF1": {"span": ("answer_f1", "answer_exact"), "ranking": ("top1",)},
    "EmF12": {"span": ("answer_f1", "answer_exact")},
    "CMAT": {},
}
# (metric, our task type) -> how ours differs.
INEXACT_METRICS = {
    ("ACC", "ranking"): "becomes top1, the share of queries whose first candidate is right: "
    "MT-DNN counts right candidates",
    ("AUC", "classification"): "becomes macro_f1; name the metric auc for the area under the ROC curve",
    ("EmF1", "ranking"): "becomes top1, the share of queries whose first candidate is an answer",
}

# Criterion as adv_loss or kd_loss -> our divergence.
DIVERGENCES = {
    "MseCriterion": "mse",
    "SymKlCriterion": "symmetric_kl",
    "NsSymKlCriterion": "symmetric_kl",
    "KlCriterion": "kl",
    "NsKlCriterion": "kl",
    "JSCriterion": "js",
    "HLCriterion": "hellinger",
}
INEXACT_DIVERGENCES = {
    "NsSymKlCriterion": "becomes symmetric_kl, without MT-DNN's smoothing and at half its size",
    "NsKlCriterion": "becomes kl, without MT-DNN's smoothing and from the target to the prediction",
    "JSCriterion": "becomes js, the mean divergence to the mixture: MT-DNN sums the divergences from it",
    "HLCriterion": "becomes hellinger, summed over labels and halved: MT-DNN takes the mean over labels",
}
CRITERIA = (
    "CeCriterion",
    "MseCriterion",
    "RankCeCriterion",
    "SpanCeCriterion",
    "SpanYNCeCriterion",
    "SeqCeCriterion",
    "MlmCriterion",
    "KlCriterion",
    "SymKlCriterion",
    "NsKlCriterion",
    "NsSymKlCriterion",
    "JSCriterion",
    "HLCriterion",
)
