"""The search for good settings: which ones are tried, which trials end early, and the page about them."""
