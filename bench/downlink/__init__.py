"""What leaves a satellite, and what it costs to make it small."""
