"""The second look at candidates: every sub-pixel phase, the level of even surroundings."""
