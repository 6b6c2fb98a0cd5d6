"""What the wall costs: on the inbound road, and for the three lists that people open all day."""

from bench.rls import pages, road


async def rls() -> bool:
    """Both, one after the other."""
    return all([await road.inbound(), await pages.pages()])
