"""What runs beside Python: programs that are found, started, watched and stopped; what is installed.

`programs` finds node, anvil, forge, solc and Kubo and compiles the contracts; a child process never outlives the
notebook that started it, however that ends. `doctor` says what is installed, what is missing, and how to get it.
"""

from bcfl_support.services.machine import doctor, format_doctor
from bcfl_support.services.programs import (
    advice,
    anvil,
    build_contracts,
    forge,
    in_clone,
    kubo,
    node,
    node_side,
    project_root,
    set_up,
    solc_wrapper,
)
from bcfl_support.services.supervisor import LOCALHOST, Child, await_port, start_supervised
