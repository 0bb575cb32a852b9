"""Other libraries are quiet, and still do their work."""

import os
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
