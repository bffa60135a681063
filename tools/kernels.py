"""Which kernel a lesson runs in: the Python that was set up, and no other of that name."""

from __future__ import annotations

from typing import Any

from jupyter_client.kernelspec import KernelSpecManager


class OnlyThisPython(KernelSpecManager):
    """Offers the kernel of the Python that runs the server.

    A ``python3`` in JUPYTER_PATH or in the user's own folder would come first otherwise, and it knows nothing of what
    the lessons import.
    """

    def _kernel_dirs_default(self) -> list[Any]:
        return []
