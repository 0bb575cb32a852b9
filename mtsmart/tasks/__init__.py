"""Task definitions and the library that finds them."""

from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.library import TaskLibrary, read_task_file, select_tasks

__all__ = ["TaskDefinition", "TaskLibrary", "read_task_file", "select_tasks"]
