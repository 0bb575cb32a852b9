"""``python -m mtsmart``: the same as the ``mtsmart`` command."""

from mtsmart.cli.app import main

if __name__ == "__main__":
    main()
