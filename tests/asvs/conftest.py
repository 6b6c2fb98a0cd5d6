"""The assembled product with a shop full of sample data, and its neighbour."""

from tests.test_strangers import house

__all__ = ["house"]
