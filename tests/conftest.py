"""What holds for all tests: none fails because the machine is busy, since how fast things are is a benchmark's matter;
and the long ones come first, so that no process waits for another at the end."""

from hypothesis import HealthCheck, settings

settings.register_profile("however-slow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("however-slow")

LONG = ("test_grading", "test_look", "test_loop", "test_clipping", "test_proof_gas", "test_proven", "test_available")
"""Modules that take longest, the longest first."""


def pytest_collection_modifyitems(items):
    order = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))
