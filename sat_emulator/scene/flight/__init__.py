"""How threats and aircraft move: rockets, gliders, way-points, files; each is a `Flight` (flight.py)."""
