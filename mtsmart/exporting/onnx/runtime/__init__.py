"""The parts of ``answer.py``, which lies beside an exported graph. They know nothing of mtsmart and of one another's
names only what they import. :func:`joined` makes one file of them.
"""
