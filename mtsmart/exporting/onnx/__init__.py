"""Tasks of a run as one ONNX graph, with a file of Python that predicts with it."""
