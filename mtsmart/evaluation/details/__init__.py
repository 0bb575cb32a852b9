"""An evaluation in detail: scores of labels, confusions, calibration, the worst rows, lengths."""
