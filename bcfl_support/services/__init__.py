"""What runs beside Python: programs that are found, started, watched and stopped; what the machine has.

`programs` finds node, anvil, forge and solc and compiles the contracts; a child process never outlives the notebook
that started it, however that ends. `doctor` says what is installed, what is missing, and how to get it.
"""

from bcfl_support.services.machine import PINNED, Check, doctor, format_doctor, versions
from bcfl_support.services.programs import (
    MINIMUM_NODE,
    anvil,
    build_contracts,
    built_contracts,
    cast,
    forge,
    kubo,
    node,
    project_root,
    solc_wrapper,
)
from bcfl_support.services.supervisor import LOCALHOST, Child, check_port_free, free_port, start_supervised, wait_until

__all__ = [
    "LOCALHOST",
    "MINIMUM_NODE",
    "PINNED",
    "Check",
    "Child",
    "anvil",
    "build_contracts",
    "built_contracts",
    "cast",
    "check_port_free",
    "doctor",
    "forge",
    "format_doctor",
    "free_port",
    "kubo",
    "node",
    "project_root",
    "solc_wrapper",
    "start_supervised",
    "versions",
    "wait_until",
]
