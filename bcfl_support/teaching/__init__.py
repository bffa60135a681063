"""What the pages are drawn with: figures with alternative text, tables, sliders, progress lines. All lessons.

Import the modules: ``from bcfl_support.teaching import plots, tables, widgets``.
"""
