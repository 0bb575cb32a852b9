"""Turning events and clauses into sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from material import PLANNED


def article(noun: str) -> str:
    """The noun with ``a`` or ``an`` before it."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def with_articles(text: str) -> str:
    """The text with ``an`` in place of ``a`` before a vowel."""
    return re.sub(r"\b([Aa]) (?=[aeio])", r"\1n ", text)


def sentence(text: str) -> str:
    """The text with a capital first letter and a full stop, unless it ends with a mark."""
    text = " ".join(text.split())
    return text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")


@dataclass(frozen=True)
class Verb:
    """The three forms a pattern may need."""

    base: str
    past: str
    participle: str

    @classmethod
    def parse(cls, cell: str) -> Verb:
        """Three forms of equally many words each, or forms separated by ``/``."""
        if "/" in cell:
            return cls(*(form.strip() for form in cell.split("/")))
        words = cell.split()
        third = len(words) // 3
        return cls(*(" ".join(words[start : start + third]) for start in (0, third, 2 * third)))


@dataclass(frozen=True)
class Event:
    """Somebody did something to something, perhaps on some day and in some manner."""

    topic: str
    agent: str
    agent_kind: str
    verb: Verb
    other_verb: Verb
    thing: str
    other_thing_name: str
    thing_kind: str
    unlike_thing: str
    unlike_agent: str
    time: str = ""
    manner: str = ""
    negated: bool = False

    @classmethod
    def parse(cls, row: list[str]) -> Event:
        """An event from one row of ``material.EVENTS``."""
        topic, agents, verbs, things, unlike_thing, unlike_agent = row
        agent, agent_kind = agents.split(" > ")
        names, thing_kind = things.split(" > ")
        first, second = verbs.split(" = ")
        thing, other_name = names.split(" = ")
        return cls(
            topic, f"the {agent}", agent_kind, Verb.parse(first), Verb.parse(second),
            f"the {thing}", f"the {other_name}", thing_kind, f"the {unlike_thing}", f"the {unlike_agent}",
        )  # fmt: skip

    @property
    def planned(self) -> bool:
        """Whether the event can be planned and has a manner."""
        return self.verb.base in PLANNED

    def reworded(self) -> Event:
        """The same event told with the other verb and the other name of the thing."""
        return replace(
            self,
            verb=self.other_verb,
            other_verb=self.verb,
            thing=self.other_thing_name,
            other_thing_name=self.thing,
        )

    def general(self) -> Event:
        """The event with the agent named by kind only."""
        return replace(self, agent=article(self.agent_kind))

    def active(self, *, time_first: bool = False) -> str:
        """The event in the active voice."""
        deed = f"did not {self.verb.base}" if self.negated else self.verb.past
        return self._placed(f"{self.agent} {deed} {self.thing} {self.manner}", time_first)

    def passive(self, *, time_first: bool = False) -> str:
        """The event in the passive voice; the manner, which tells of the agent, stays last."""
        deed = f"was {'not ' if self.negated else ''}{self.verb.participle}"
        return self._placed(f"{self.thing} {deed} by {self.agent} {self.manner}", time_first)

    def cleft(self, *, time_first: bool = False) -> str:
        """The event with the agent brought out: it was she who did it."""
        return self._placed(f"it was {self.agent} who {self.verb.past} {self.thing}", time_first)

    def _placed(self, clause: str, time_first: bool) -> str:
        return sentence(f"{self.time}, {clause}" if time_first and self.time else f"{clause} {self.time}")
