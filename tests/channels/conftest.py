"""WhatsApp's side of a number that is connected."""

from collections.abc import Iterator

import pytest

from tests.graph import Graph, graph_beside


@pytest.fixture
def meta() -> Iterator[Graph]:
    """A Graph API that shows every number to everybody, until a test says otherwise."""
    with graph_beside() as here:
        yield here
