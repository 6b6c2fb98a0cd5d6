"""The console opens to operators, and to nobody else; what they do is written down twice."""

from tests.operator.conftest import REASON, Console

PAGES = (
    "organizations", "organizations?state=trial", "organizations?q=lagos", "organizations?plan=starter", "organizations?state=suspended",
    "organizations?state=leaving", "organizations?state=failing", "users", "users?q=maya", "deliveries", "deliveries?show=unrouted",
    "deliveries?show=other", "log", "lanes", "incidents", "events", "events?show=waiting", "events?show=given_up", "plans", "plans/starter", "revenue",
    "organizations/new",
)  # fmt: skip


async def test_every_page_opens_to_an_operator(console: Console) -> None:
    for page in PAGES:
        answer = await console.operator.get(f"/operator/{page}")
        assert answer.status_code == 200, (page, answer.text)
    assert "Lagos Glow Salon" in (await console.operator.get("/operator/organizations?q=glow")).text
    assert "Lagos Glow Salon" in (await console.operator.get("/operator/organizations?q=maya@example.com&state=trial")).text
    assert "Lagos Glow Salon" not in (await console.operator.get("/operator/organizations?q=moretti")).text
    for page in (console.shop, f"/operator/users/{console.customer_id}"):
        answer = await console.operator.get(page)
        assert answer.status_code == 200 and "maya@example.com" in answer.text


async def test_an_organization_is_suspended_with_a_reason_that_it_reads(console: Console) -> None:
    short = await console.act(f"{console.shop}/suspension", reason="spam")
    assert short.status_code == 422 and "Write down why" in short.text
    await console.act(f"{console.shop}/suspension", reason=REASON)
    assert ("operator", "organization.suspended", REASON) in await console.logged()
    assert REASON in (await console.customer.get("/dashboard")).text
    assert (await console.operator.get("/operator/organizations?state=suspended")).text.count("Lagos Glow Salon") == 1
    await console.act(f"{console.shop}/suspension/removal")
    assert (await console.logged())[0][:2] == ("operator", "organization.resumed")
    assert REASON not in (await console.customer.get("/dashboard")).text
