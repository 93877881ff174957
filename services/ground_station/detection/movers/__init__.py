"""Dim points that move against the scene, found by adding up frames along their paths before deciding."""
