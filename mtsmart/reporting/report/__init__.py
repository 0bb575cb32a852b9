"""Reports: one page in HTML about a run, or about several runs side by side."""
