"""Fuzz targets: `make fuzz FUZZ=psbt N=100000`, guided by atheris; `test_corpus.py` replays without it.

1. A target is a module: its docstring is the invariant, `seeds()` are inputs of our own making, by name, and
   `accepts(data)` tells whether the input was read. Whatever it raises is a violation.
2. `corpus/` holds the seeds as files (`make generate`), so that others can start from them.
"""
