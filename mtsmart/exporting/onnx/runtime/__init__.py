"""The parts of ``answer.py``, the file beside an exported graph. They need numpy, tokenizers and onnxruntime alone.

Here each part imports names of the others; ``mtsmart/exporting/onnx/one_file.py`` makes one file of them.
"""
