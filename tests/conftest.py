"""What holds for all tests."""

from hypothesis import settings

# A busy machine is slow, not wrong: time limits are those of the whole run.
settings.register_profile("spoofscope", deadline=None)
settings.load_profile("spoofscope")


def pytest_make_parametrize_id(val, argname):
    """Name bytes by their place: packed bytes hold the time, and workers must collect the same."""
    return argname if isinstance(val, bytes) else None
