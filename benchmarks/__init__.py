"""Timings: of recutils beside the libraries' own functions, and of index libraries side by side."""
