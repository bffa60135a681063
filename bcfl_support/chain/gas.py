"""The former name of `schedule`."""

from bcfl_support.chain.schedule import OSAKA, GasSchedule, intrinsic_gas  # noqa: F401
