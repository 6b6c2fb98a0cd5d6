"""The operators' log reads as sentences, and no deed is without one."""

import re
from pathlib import Path

from frontdesk import operator
from frontdesk.audit.wordings import WORDINGS
from tests.operator.conftest import REASON, Console

ROOM = Path(str(operator.__file__)).parent


def test_every_deed_has_a_sentence() -> None:
    written = {action for file in ROOM.rglob("*.py") for action in re.findall(r'log\.record(?:_on_user)?\(\s*db, "([a-z_.]+)"', file.read_text())}
    assert len(written) > 15 and written - WORDINGS.keys() == set()


async def test_the_log_says_what_was_done_in_words(console: Console) -> None:
    await console.act(f"{console.shop}/suspension", reason=REASON)
    await console.act("/operator/plans/starter", name="Starter", description="", limit_channels="", price_month="35", price_year="290")
    await console.act(f"/operator/users/{console.customer_id}/lock", reason=REASON)
    await console.act(f"{console.shop}/entitlements", key="messages_sent", value="9000", reason=REASON)
    page = re.sub(r"<[^>]+>", "", (await console.operator.get("/operator/log")).text)
    said = ("Jonas Weber suspended the organization", "Jonas Weber changed the plan Starter", "Price a month: €29 → €35", "Limit of channels: 1 → no limit",
            "Jonas Weber shut Maya Bello out", f"“{REASON}”", "Messages sent: as the plan says → 9,000",
            "a test made jonas@example.com an operator")  # fmt: skip
    assert [words for words in said if words not in page] == []
    assert not re.search(r"\b[a-z]+_[a-z_]+\b", page[page.index("What operators did") :])  # nothing raw
