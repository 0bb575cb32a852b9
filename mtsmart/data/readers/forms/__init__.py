"""Forms of files besides plain tables, and hints for files that are written otherwise than they are read."""
