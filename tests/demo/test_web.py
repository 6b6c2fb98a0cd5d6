"""Loading the sample data from the overview."""

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import seated


async def test_an_empty_organization_is_offered_sample_data_and_loads_it_once(database: Database, settings: Settings) -> None:
    async with seated(database, settings) as desk:
        assert "Load sample data" in (await desk.get("/dashboard")).text
        loaded = await desk.press("/dashboard/sample-data", page="/dashboard")
        assert "The sample data is here" in loaded.text
        assert "Load sample data" not in loaded.text
        assert "Amina Okafor" in (await desk.get("/dashboard/contacts?q=amina")).text
        again = await desk.press("/dashboard/sample-data", page="/dashboard/contacts")
        assert "was loaded before" in again.text
