"""Measures what the tracker's warning products are worth: classes, reach, time left."""
