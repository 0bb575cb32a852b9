"""How pieces of work end, each in a process of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pytest

from mtsmart.errors import ConfigError, DataError, MtsmartWarning
from mtsmart.sweeps.pool import Pool, _work


def double(number):
    warnings.warn("told", MtsmartWarning, stacklevel=1)
    return 2 * number


def refuse(number):
    raise DataError("does not fit", file="rows.csv", line=number)


def miss(number):
    open(f"/nowhere/{number}")  # noqa: SIM115


def fail(number):
    raise ValueError(number)


def vanish(number):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(number):
    time.sleep(60)


def ignore(began):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    began.touch()
    time.sleep(60)


def crash_when_asked(began):
    signal.signal(signal.SIGTERM, lambda *_: vanish(0))
    began.touch()
    time.sleep(60)


def count_signals(began):
    seen = []
    signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    began.touch()
    while not seen:
        time.sleep(0.01)
    time.sleep(0.3)
    return len(seen)


def working(key, work, began):
    """A pool with one piece of work, which has begun."""
    pool = Pool([])
    pool.start(key, work, began)
    while not began.exists():
        time.sleep(0.01)
    return pool


@pytest.fixture(scope="module")
def pool():
    return Pool([])


def outcome(pool, work):
    pool.start("key", work, 7)
    assert len(pool) == 1
    (found,) = pool.wait().values()
    assert len(pool) == 0
    return found


def test_a_result_and_its_warnings(pool):
    found = outcome(pool, double)
    assert (found.result, found.error, found.warnings) == (14, None, ["told"])


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (refuse, "rows.csv:7: does not fit"),
        (miss, "/nowhere/7: No such file or directory"),
        (vanish, "its process ended with exit code -9 (killed, or out of memory?)"),
    ],
)
def test_failures(pool, work, message):
    found = outcome(pool, work)
    assert (found.result, found.error) == (None, message)


def test_an_unforeseen_error_is_one_line_and_a_file_with_the_details(pool):
    found = outcome(pool, fail)
    form = r"an unexpected error: (.+)\. The details are in (\S+)\. Please report it with them"
    line = re.fullmatch(form, found.error)
    details = Path(line[2])
    assert line[1] in details.read_text() and "Traceback" in details.read_text()
    details.unlink()


def test_two_at_a_time_and_interruption():
    pool = Pool([])
    pool.start("long", sleep, 0)
    pool.start("short", double, 1)
    assert list(pool.wait()) == ["short"]
    pool.interrupt()
    assert pool.wait()["long"].interrupted


def test_interrupted_while_a_process_starts():
    """Loading the first one takes seconds, in which nothing is there yet to be interrupted."""
    pool = Pool([])
    pool.interrupt()
    assert outcome(pool, sleep).interrupted


def test_a_second_interruption_waits_for_nothing(tmp_path):
    """Not even for a process that does not listen."""
    pool = working("deaf", ignore, tmp_path / "began")
    pool.interrupt()
    pool.kill()
    assert pool.wait()["deaf"].interrupted


def test_a_crash_after_an_interruption_is_still_told(tmp_path):
    """As when memory runs out while the resume point is written."""
    pool = working("key", crash_when_asked, tmp_path / "began")
    pool.interrupt()
    found = pool.wait()["key"]
    assert not found.interrupted and "exit code -9" in found.error


def test_asked_twice_a_run_still_ends_after_its_update(tmp_path):
    """A signal, and then a disk that is full for another run's line."""
    pool = working("key", count_signals, tmp_path / "began")
    pool.interrupt()
    pool.interrupt()
    assert pool.wait()["key"].result == 1


def test_nobody_listens_where_the_sweep_was_killed(pool):
    here, there = pool._context.Pipe(duplex=False)
    process = pool._context.Process(target=_work, args=(there, double, (7,)))
    here.close()
    process.start()
    process.join()
    assert process.exitcode == 0


OTHERS = """
import multiprocessing
import time
from mtsmart.sweeps.pool import Pool
if __name__ == "__main__":
    pool = Pool([])
    pool.start("x", abs, -1)
    assert pool.wait()["x"].result == 1
    other = multiprocessing.get_context("forkserver").Process(target=time.sleep, args=(600,))
    other.start()
    other.terminate()
    other.join(10)
    print(other.exitcode)
    other.kill()
"""


def test_other_processes_of_the_program_can_still_be_ended(tmp_path):
    (tmp_path / "program.py").write_text(OTHERS)
    program = [sys.executable, tmp_path / "program.py"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == f"{-signal.SIGTERM}\n", done.stderr


def test_a_temporary_folder_has_room_for_the_names_of_sockets(monkeypatch):
    """The longest folder that is accepted has room for a socket; the next one is refused in one line."""
    refused = 0
    for length in range(60, 108):
        folder = "/" + "x" * (length - 1)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        try:
            Pool([])
        except ConfigError as error:
            assert re.search(r"^TMPDIR: is too long: at most \d+ bytes", str(error))
            refused += 1
            continue
        assert not refused
        with socket.socket(socket.AF_UNIX) as listener, pytest.raises(FileNotFoundError):
            listener.bind(
                f"{folder}/pymp-12345678/listener-12345678"
            )  # There is no such folder, but the name has room.
    assert refused
