"""What the pages are drawn with: figures with alternative text, diagrams, tables, sliders, a game. All lessons.

Import the modules: ``from bcfl_support.teaching import plots, tables, widgets``.
"""
