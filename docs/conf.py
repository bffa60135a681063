"""Sphinx reads the package's docstrings and these pages; `make docs` builds them into build/docs."""

from importlib.metadata import version as _version

project = "Blockchain federated learning, learned by running it"
author = "its authors"
release = _version("bcfl-support")
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "myst_parser"]
autodoc_typehints = "description"
autodoc_member_order = "bysource"
suppress_warnings = ["misc.highlighting_failure", "ref.python"]
html_theme = "furo"
napoleon_use_ivar = True


def _read_as_text(app, what, name, obj, options, lines):
    """Docstrings are read by people first: bars are absolute values there, and stars are stars."""
    lines[:] = [line if line.lstrip().startswith(">>>") else line.replace("|", r"\|") for line in lines]


def setup(app):
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", _read_as_text, priority=1000)
