"""No test of generated examples is judged by the clock: on a busy machine one of a thousand takes long."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", settings(deadline=None))
settings.load_profile("unhurried")
