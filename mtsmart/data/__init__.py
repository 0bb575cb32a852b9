"""From a task's source to batches; task types come in as ``encode`` and ``collate`` callables only."""
