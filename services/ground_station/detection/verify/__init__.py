"""Candidates of a single picture to targets with masks: a small trained network looks at each one's surroundings."""
