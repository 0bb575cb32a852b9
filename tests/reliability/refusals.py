"""What the tests of refused files share: the one line of the error, and that nothing was written."""

import re

CLASSIFICATION = "task_type: classification\n  text: [text]\n  labels: [other, red]\n"


def assert_refused(result, message):
    assert result.code == 2, result
    assert "Traceback" not in result.err
    last = result.err.strip().splitlines()
    assert len(last) == 1 and last[0].startswith("mtsmart: "), result.err
    assert re.search(message, last[0]), last[0]


def contents(folder):
    """Every file below, with its bytes."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
