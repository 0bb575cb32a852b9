"""The commands of ``mtsmart tasks``."""
