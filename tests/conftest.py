"""What holds for all tests."""

from hypothesis import settings

# A busy machine is slow, not wrong: time limits are those of the whole run.
settings.register_profile("spoofscope", deadline=None)
settings.load_profile("spoofscope")
