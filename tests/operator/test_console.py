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


async def test_incidents_are_told_and_go_away(console: Console) -> None:
    assert "All is well" in (await console.operator.get("/operator/incidents")).text
    await console.owner.execute("delete from subscriptions where organization_id = %s", (console.shop_id,))
    await console.owner.execute(
        "insert into private.unrouted_deliveries (id, source, kind, body, reason) values (gen_random_uuid(), 'cloud_api', 'message', 'x', 'nobody has it')"
    )
    page = (await console.operator.get("/operator/incidents")).text
    assert "Organizations have no subscription" in page and "numbers that nobody has connected" in page and "All is well" not in page
    assert (await console.customer.get("/operator/incidents")).status_code == 404
    assert (await console.operator.get(console.shop)).status_code == 200  # without a subscription, too
    assert (await console.operator.get("/operator/organizations")).status_code == 200


async def test_the_list_shows_what_was_sent_in_the_month_that_runs(console: Console) -> None:
    await console.owner.execute("select private.consume_usage(%s, 'messages_sent', 4321)", (console.shop_id,))
    assert "4,321" in (await console.operator.get("/operator/organizations")).text
    await console.owner.execute("update organization_usage set period_start = period_start - 31 where organization_id = %s and used > 0", (console.shop_id,))
    assert "4,321" not in (await console.operator.get("/operator/organizations")).text
