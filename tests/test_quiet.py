"""Other libraries are quiet, and still do their work."""

import os
import signal
import subprocess
import sys

FORK = """
import os
from tokenizers import Tokenizer, models
from mtsmart.quiet import quiet_libraries

quiet_libraries()
tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
tokenizer.encode_batch(["a"] * 1000)
child = os.fork()
tokenizer.encode_batch(["a"] * 1000)
if child == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_tokenizes_without_the_threads_that_it_lacks():
    environment = {name: value for name, value in os.environ.items() if name != "TOKENIZERS_PARALLELISM"}
    done = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    assert (done.stdout, done.stderr) == ("7\n", "")


ENDED = """
import multiprocessing
import os
import signal

import datasets
from mtsmart.quiet import quiet_libraries

multiprocessing.set_start_method("spawn")  # as in a process that another one has started afresh
quiet_libraries()
datasets.Dataset.from_dict({"a": [1]}).map(lambda row: row)
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_process_that_a_signal_ends_leaves_no_semaphore():
    """As a sweep's run does that is stopped while it reads its data: Python would warn of what is left."""
    done = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "", "")
