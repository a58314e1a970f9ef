"""Compares what notebooks print as numbers, with tolerances: tools/nbcheck.py says how."""

pytest_plugins = ["tools.nbcheck"]
