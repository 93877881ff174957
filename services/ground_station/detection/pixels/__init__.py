"""Pixels that do not tell the truth: corrected, found and replaced."""
