"""What all trackers share."""
