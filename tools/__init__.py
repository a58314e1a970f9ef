"""What authors and CI run: libraries at the bottom, commands above them, plugins on top.

Libraries: `reports`, `compare`, `claims` and `mistakes`, then `chapter`, then `kernels`. Commands,
each run as `python -m tools.NAME`: `notebooks`, `toc`, `replicate`, `perturb`, `mutants`,
`upstream`, and `setup`, which needs nothing but Python. Plugins: `nbcheck` for pytest, `site` for
Sphinx. Nothing imports from a layer above its own.
"""
