"""What weightings are made of: the base class, and the base of those that need each task's gradient."""
