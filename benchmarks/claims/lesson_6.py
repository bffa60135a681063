"""Lesson 6 is about gas, on a chain: it has no sentence about seeds."""
