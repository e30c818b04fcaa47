"""A signer, and the processes of this folder's tests."""

from __future__ import annotations

import pytest

from tests.provenance.signing import Chain, chain


@pytest.fixture(scope="session")
def works() -> Chain:
    """A signer called Voice Works."""
    return chain()
