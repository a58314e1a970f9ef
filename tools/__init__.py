"""What authors and CI run: libraries at the bottom, commands above them, plugins on top.

Libraries: `reports`, `compare`, `claims` and `mistakes`, then `chapter`, then `kernels`. Commands,
each run as `python -m tools.NAME`: `notebooks`, `toc`, `search`, `fourfold`, `intervals`,
`replicate`, `obd`, `perturb`, `mutants`, `upstream`, and `setup`, which needs nothing but Python.
Plugins: `nbcheck` for pytest, `site` for Sphinx, whose Markdown and HTML lie in `site/templates`.
On top of the site: `pdf`. Nothing imports from a layer above its own.
"""
