"""The card of a model on the Hub."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from huggingface_hub import ModelCard

from mtsmart.config.document import dump_yaml
from mtsmart.config.loader import Place
from mtsmart.hub.languages import check_languages
from mtsmart.hub.licences import check_licence
from mtsmart.hub.places import last_name, without_places
from mtsmart.regularizers import summaries
from mtsmart.reporting.hub_metadata import ScoredTask, hub_metadata
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.results import untrained_told
from mtsmart.text.counts import counted
from mtsmart.text.escaping import code_span, markdown
from mtsmart.text.scores import score_text
from mtsmart.training.setup import recipe_of
from mtsmart.user_paths import HUB_PREFIX

_LOADING = r'SentenceTransformer\(|from_pretrained\(|pipeline\("[a-z-]+", '
"""What stands before the name of a model in the code of a card."""
_ENCODER = re.compile(r"^(- Base encoder: )(`+)( ?)(.*)\3\2$", re.MULTILINE)
"""The line of a card that names the pretrained encoder, which may be a folder."""


@dataclass(frozen=True)
class CardFacts:
    """What the user says about a model.

    Attributes:
        repository: owner/name.
        licence: as the Hub names it; None: not known.
        languages: codes; empty: not known.
    """

    repository: str
    licence: str | None = None
    languages: Sequence[str] = ()

    def checked(self) -> Self:
        """The same facts, which the Hub takes; it would refuse others after everything has been sent.

        Raises:
            ConfigError: the Hub does not know the licence, or a language is no code.
        """
        check_licence(self.licence)
        check_languages(self.languages)
        return self


def run_card(run: RunFolder, encoder: str, facts: CardFacts) -> str:
    """The text of README.md for a run.

    Args:
        run: the run.
        encoder: the pretrained encoder that it started with.
        facts: what the user says.
    """
    config = without_places(run.config())
    definitions = run.definitions()
    results = run.results_so_far()
    tasks = [ScoredTask(name, definition, results.tasks.get(name, {})) for name, definition in definitions.items()]
    untrained = untrained_told(results.untrained)
    name = facts.repository.rpartition("/")[2]
    start = last_name(encoder, Place.ENCODER)
    metadata = hub_metadata("mtsmart", name, encoder, tasks, licence=facts.licence, languages=facts.languages)
    lines = [
        f"---\n{dump_yaml(metadata).rstrip()}\n---",
        "",
        f"# {markdown(name)}",
        "",
        *([markdown(config.description), ""] if config.description.strip() else []),
        f"One encoder with {counted(len(tasks), 'task')}, trained with mtsmart from {code_span(start)}.",
        *(f"{markdown(text)}." for text in recipe_of(config, definitions)),
        *map(markdown, summaries(config, definitions)),
        "",
        *_scores(tasks),
        *([f"{markdown(untrained)}.", ""] if untrained else []),
        *_use(tasks[0].name, HUB_PREFIX + facts.repository),
    ]
    return "\n".join(lines)


def with_facts(card: str, folder: str, facts: CardFacts) -> str:
    """The card of an exported model, with what the user says in place of what stands there.

    Of an encoder that is a folder only the last name is told.

    Args:
        card: the text.
        folder: the name of the model's folder, which the card's code loads; the code then loads the repository. That
            of an ONNX graph loads its own folder, because whoever downloads it gives it any name.
        facts: what the user says.
    """
    loaded = f"({_LOADING}){re.escape(json.dumps(folder))}"
    card = re.sub(loaded, lambda found: found[1] + json.dumps(facts.repository), card)
    card = card.replace(f"model = Model({json.dumps(folder)})", 'model = Model(".")')
    card = card.replace(f"python {folder}/answer.py", "python answer.py")
    card = _ENCODER.sub(lambda found: found[1] + code_span(last_name(found[4], Place.ENCODER)), card)
    if facts.licence is None and not facts.languages:
        return card
    parsed = ModelCard(card)
    if facts.licence is not None:
        parsed.data["license"] = facts.licence
    if facts.languages:
        parsed.data["language"] = list(facts.languages)
    return str(parsed)


def _scores(tasks: Sequence[ScoredTask]) -> list[str]:
    rows = [
        f"| {markdown(task.name)} | {markdown(task.definition.task_type)} | {markdown(metric)} | {score_text(value)} |"
        for task in tasks
        for metric, value in task.scores.items()
    ]
    if not rows:
        return []
    title = "Scores of the best evaluation, on each task's validation split:"
    return [title, "", "| task | type | metric | score |", "|---|---|---|---|", *rows, ""]


def _use(task: str, address: str) -> list[str]:
    return [
        "## Use",
        "",
        "```python",
        "import mtsmart",
        "",
        f"model = mtsmart.load({json.dumps(address)})",
        f"print(model.predict({json.dumps(task)}, ...))",
        "```",
        "",
        f"The name of a commit after `@` fixes the version: {code_span(f'{address}@COMMIT')}.",
        "",
    ]
