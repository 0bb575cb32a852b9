"""The interface of task types: what every type says (``base``), and optional parts, in small files.

A task type inherits ``TaskType`` and those optional parts that apply to it. The rest of the package uses an optional
part through the function in the part's file, which also holds the behaviour of types without it.
"""
