"""Frames of a camera that turns: how far between two frames, and one frame's values at another's places."""
