"""``python -m bcfl_support``: the ``bcfl`` command."""

import sys

from bcfl_support.services.cli import main

if __name__ == "__main__":
    sys.exit(main())
