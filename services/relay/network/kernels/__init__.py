"""Loops over all satellites and links, compiled. Their slow twins are `tests/relay/naive.py`."""
