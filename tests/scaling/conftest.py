"""One chain for each test file."""

import pytest

from bcfl_support.chain import Chain


@pytest.fixture(scope="module")
def chain():
    with Chain.start() as running:
        yield running
