"""Which signals are a wish to stop, and which are not to be waited for."""

import copy
import pickle
import signal

import pytest

import mtsmart
from mtsmart.runs.interrupt import STOPS, Interrupt, Interrupted, ending_orderly

UNIX = [name for name in ("SIGHUP", "SIGUSR1") if hasattr(signal, name)]


class Stopped(Exception):
    """What a signal does where nobody listens."""


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so; all signals raise Stopped outside the context."""

    def stop(number, frame):
        raise Stopped(number)

    now = [100.0]
    monkeypatch.setattr("mtsmart.runs.interrupt.time.monotonic", lambda: now[0])
    before = {number: signal.signal(number, stop) for number in STOPS}
    yield now
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("first", STOPS)
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


def test_a_second_ctrl_c_stops_a_job_in_the_background_too(clock):
    """The shell that started it has it ignore SIGINT, so whoever sends two of them means this job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_outside_the_context_signals_act_as_before(clock):
    with Interrupt():
        pass
    with pytest.raises(Stopped):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("name", UNIX)
def test_a_closed_terminal_and_a_warning_of_a_batch_system_are_a_wish_to_stop(clock, name):
    number = signal.Signals[name]
    with Interrupt() as interrupt:
        signal.raise_signal(number)
        signal.raise_signal(number)  # A shell passes on what the terminal has already sent.
        assert interrupt.signal == number
    assert Interrupted(number).exit_code == {"SIGHUP": 129, "SIGUSR1": 138}[name]


@pytest.mark.parametrize("name", UNIX)
def test_a_process_that_was_started_to_ignore_a_signal_goes_on_ignoring_it(clock, name):
    number = signal.Signals[name]
    signal.signal(number, signal.SIG_IGN)  # as nohup does
    with ending_orderly(), Interrupt() as interrupt:
        signal.raise_signal(number)
        assert interrupt.signal is None
    assert signal.getsignal(number) == signal.SIG_IGN


@pytest.mark.parametrize("name", ["SIGTERM", *UNIX])
def test_where_nothing_can_be_resumed_a_signal_ends_the_command_in_order(clock, name):
    number = signal.Signals[name]
    with pytest.raises(SystemExit) as ended, ending_orderly():
        signal.raise_signal(number)
    assert ended.value.code == 128 + number
    with pytest.raises(Stopped):
        signal.raise_signal(number)


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_interruption_goes_from_one_process_to_another(copied):
    got = copied(mtsmart.Interrupted(signal.SIGTERM))
    assert type(got) is mtsmart.Interrupted and isinstance(got, KeyboardInterrupt)
    assert (str(got), got.number, got.exit_code) == ("stopped by SIGTERM", signal.SIGTERM, 128 + signal.SIGTERM)
