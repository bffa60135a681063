"""What holds for all tests: no test fails because the machine is busy; how fast things are is a benchmark's matter."""

from hypothesis import HealthCheck, settings

settings.register_profile("however-slow", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("however-slow")
