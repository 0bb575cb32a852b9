"""All predictions of a file at once."""

from __future__ import annotations

from typing import Any

from mtsmart.evaluation.prediction_files import predicted_rows


def predict_file(*given: Any, **named: Any) -> list[dict[str, Any]]:
    """All rows that :func:`predicted_rows` gives."""
    return list(predicted_rows(*given, **named))
