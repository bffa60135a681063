"""Which kernel a lesson runs in: the Python that was set up, and no other of that name."""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from traitlets import default


class OnlyThisPython(KernelSpecManager):
    """Offers the kernel of the Python that runs the server.

    A ``python3`` in JUPYTER_PATH or in the user's own folder would come first otherwise, and it knows nothing of what
    the lessons import.
    """

    @default("kernel_dirs")
    def _no_other_folders(self) -> list[Any]:
        return []


class QuietKernel(AsyncKernelManager):
    """Starts that kernel, and talks to it in a way that it does not warn of."""

    @default("kernel_spec_manager")
    def _only_this_python(self) -> KernelSpecManager:
        return OnlyThisPython()

    @default("transport_encryption")
    def _encrypt(self) -> str:
        return "auto"
