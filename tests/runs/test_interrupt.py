"""Which signals are a wish to stop, and which are not to be waited for."""

import signal

import pytest

from mtsmart.runs.interrupt import Interrupt


class Stopped(Exception):
    """What a signal does where nobody listens."""


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so; both signals raise Stopped outside the context."""

    def stop(number, frame):
        raise Stopped(number)

    now = [100.0]
    monkeypatch.setattr("mtsmart.runs.interrupt.time.monotonic", lambda: now[0])
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    yield now
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_one_stop_that_arrives_by_two_ways_is_one(clock, first):
    """The system signals every process of a job, and the launcher passes on what it got."""
    with Interrupt() as interrupt:
        signal.raise_signal(first)
        clock[0] += 0.9
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.signal == first


@pytest.mark.parametrize(
    ("first", "seconds", "second"),
    [
        (signal.SIGINT, 0, signal.SIGINT),
        (signal.SIGTERM, 0, signal.SIGINT),
        (signal.SIGINT, 1.1, signal.SIGTERM),
        (signal.SIGTERM, 1.1, signal.SIGTERM),
    ],
)
def test_a_second_stop_acts_at_once(clock, first, seconds, second):
    with Interrupt() as interrupt:
        signal.raise_signal(first)
        assert interrupt.signal == first
        clock[0] += seconds
        with pytest.raises(Stopped, match=str(int(second))):
            signal.raise_signal(second)


def test_outside_the_context_signals_act_as_before(clock):
    with Interrupt():
        pass
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)
