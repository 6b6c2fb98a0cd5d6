"""Stripe's wire: keys, forms, errors, pages, repetition."""

import asyncio

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from stripe._encode import _api_encode

from frontdesk.billing.simulator import KEY_PREFIX, NotInProduction, SimulatorSettings, build
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.params import decode
from tests.billing.simulator.stage import KEY, Stage

words = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=8).filter(lambda word: not word.isdigit())
values = st.recursive(
    st.text(max_size=8), lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(words, inner, min_size=1, max_size=3), max_leaves=8
)


@given(st.dictionaries(words, values, max_size=4))
def test_what_the_library_encodes_is_read_as_it_was_meant(params: dict[str, object]) -> None:
    params = {name: value for name, value in params.items() if name not in ("metadata", "payload")}
    assert decode([(name, str(value)) for name, value in _api_encode(params)]) == params


def test_a_name_that_is_both_a_value_and_an_object_is_refused() -> None:
    with pytest.raises(StripeError):
        decode([("card", "x"), ("card[number]", "4242")])


def test_names_in_metadata_may_be_numbers() -> None:
    assert decode([("metadata[0]", "a"), ("items[0][price]", "b"), ("expand[]", "c")]) == {"metadata": {"0": "a"}, "items": [{"price": "b"}], "expand": ["c"]}


def test_it_is_not_built_in_production() -> None:
    with pytest.raises(NotInProduction):
        build(SimulatorSettings(), development=False)


@pytest.mark.parametrize("key", ["sk_live_51HsomethingofaRealAccount", "sk_test_51Hsomethingelse", "sk_test_", "x"])
async def test_only_keys_of_the_simulator_open_it(stage: Stage, key: str) -> None:
    answer = await stage.ask("GET", "/v1/customers", key=key)
    assert answer.status_code == 401 and answer.json()["error"]["type"] == "invalid_request_error"
    assert "something" not in answer.text
    with pytest.raises(stripe.AuthenticationError):
        await stripe.StripeClient(key, base_addresses={"api": stage.url}, http_client=stripe.HTTPXClient()).v1.customers.list_async()


async def test_a_key_may_come_as_the_name_of_a_basic_sign_in(stage: Stage) -> None:
    assert (await stage.http.get("/v1/customers", auth=(KEY_PREFIX, ""))).status_code == 200
    assert (await stage.http.get("/v1/customers", headers={"authorization": "Basic ????"})).status_code == 401
    assert (await stage.http.get("/v1/customers")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/quotes"), ("POST", "/v1/issuing/cards"), ("DELETE", "/v1/events/evt_1"), ("GET", "/v1/"), ("PUT", "/v1/customers")]
)
async def test_what_it_does_not_know_it_says_loudly(stage: Stage, method: str, path: str) -> None:
    answer = await stage.ask(method, path)
    assert answer.status_code == 404 and f"({method}: {path})" in answer.json()["error"]["message"]


async def test_an_error_names_its_field_its_code_and_its_request(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.v1.customers.create_async({"email": "nobody", "nickname": "x"})
    assert (refused.value.code, refused.value.param, refused.value.http_status) == ("parameter_unknown", "nickname", 400)
    assert str(refused.value.request_id).startswith("req_")
    answer = await stage.ask("GET", "/v1/customers/cus_none")
    assert answer.status_code == 404 and answer.json()["error"]["message"] == "No such customer: 'cus_none'" and answer.headers["request-id"].startswith("req_")
    assert (await stage.ask("POST", "/v1/customers", content=b"name=\xff\xfe")).status_code == 400


async def test_what_is_refused_leaves_nothing_behind(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError):  # the customer and its event come before the tax id that cannot be
        await stage.v1.customers.create_async({"name": "Ada", "tax_id_data": [{"type": "eu_vat", "value": "wrong"}]})
    assert (await stage.v1.customers.list_async()).data == [] and (await stage.v1.events.list_async()).data == []


async def test_the_same_key_gives_the_same_answer_and_does_it_once(stage: Stage) -> None:
    first = await stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})
    again = await stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})
    assert again.id == first.id and again.last_response.headers["idempotent-replayed"] == "true"
    assert len((await stage.v1.customers.list_async()).data) == 1
    with pytest.raises(stripe.IdempotencyError) as refused:
        await stage.v1.customers.create_async({"name": "Bob"}, {"idempotency_key": "cus:1"})
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        await stage.v1.products.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.customers.create_async({"email": "wrong"}, {"idempotency_key": "cus:2"})
    assert (await stage.v1.customers.create_async({"email": "right@example.com"}, {"idempotency_key": "cus:2"})).email == "right@example.com"


async def test_an_event_names_the_request_that_caused_it(stage: Stage) -> None:
    made = await stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"})
    (event,) = (await stage.v1.events.list_async()).data
    assert (event.request.id, event.request.idempotency_key) == (made.last_response.request_id, "cus:1")


async def test_lists_are_paged_both_ways_the_newest_first(stage: Stage) -> None:
    ids = [(await stage.v1.customers.create_async({"name": str(n)})).id for n in range(7)][::-1]
    first = await stage.v1.customers.list_async({"limit": 3})
    assert [one.id for one in first.data] == ids[:3] and first.has_more is True and first.url == "/v1/customers"
    back = await stage.v1.customers.list_async({"limit": 3, "ending_before": ids[5]})
    assert [one.id for one in back.data] == ids[2:5] and back.has_more is True
    assert [one.id async for one in (await stage.v1.customers.list_async({"limit": 2})).auto_paging_iter()] == ids
    for wrong in ({"limit": 0}, {"limit": 101}, {"starting_after": "cus_none"}, {"created": {"about": 1}}):
        with pytest.raises(stripe.InvalidRequestError):
            await stage.v1.customers.list_async(wrong)
    now = await stage.account.do(lambda world: world.now())
    assert (await stage.v1.customers.list_async({"created": {"gt": now + 60}})).data == []
    assert len((await stage.v1.customers.list_async({"created": {"lte": now + 1, "gte": now - 3600}})).data) == 7


async def test_what_cannot_be_expanded_is_refused(stage: Stage) -> None:
    made = await stage.v1.customers.create_async({"name": "Ada"})
    for path in ("balance", "nothing", "name", "a.b.c.d.e"):
        with pytest.raises(stripe.InvalidRequestError):
            await stage.v1.customers.retrieve_async(made.id, {"expand": [path]})


async def test_search_speaks_stripes_language(stage: Stage) -> None:
    ada = await stage.v1.customers.create_async({"name": "Ada Lovelace", "email": "ada@example.com", "metadata": {"organization": "o'1"}})
    bob = await stage.v1.customers.create_async({"name": "Bob", "metadata": {"organization": "2"}})
    for query, expected in {
        "email:'ada@example.com'": [ada], 'name~"love"': [ada], "metadata['organization']:'2'": [bob], 'metadata["organization"]:"o\'1"': [ada],
        "name:'bob' AND email:null": [bob], "name:'bob' OR name:'ada lovelace'": [bob, ada], "-name:'bob'": [ada], "created>0": [bob, ada],
    }.items():  # fmt: skip
        assert [one.id for one in (await stage.v1.customers.search_async({"query": query})).data] == [one.id for one in expected], query
    for wrong in ("", "name", "shoe:'42'", "name:'a' AND", "name:'a' AND email:'b' OR phone:'c'", "metadata:'x'"):
        with pytest.raises(stripe.InvalidRequestError):
            await stage.v1.customers.search_async({"query": wrong})


async def test_the_library_without_async_is_served_as_well(stage: Stage) -> None:
    client = stripe.StripeClient(KEY, base_addresses={"api": stage.url})
    made = await asyncio.to_thread(client.v1.customers.create, {"name": "Ada"})
    assert made.name == "Ada"


async def test_who_asks_twice_at_the_same_time_is_served_once(stage: Stage) -> None:
    made = await asyncio.gather(*(stage.v1.customers.create_async({"name": "Ada"}, {"idempotency_key": "cus:1"}) for _ in range(16)))
    assert len({one.id for one in made}) == 1 and len((await stage.v1.events.list_async()).data) == 1
