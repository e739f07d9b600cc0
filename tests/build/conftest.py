"""Fixtures of the build room: the shop that the pages' tests build."""

from tests.publish.conftest import shop

__all__ = ["shop"]
