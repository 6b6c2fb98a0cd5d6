"""One webhook, many events: every one is cut out, and none is lost because another is odd."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels.cloud_api import Unreadable, read, split
from frontdesk.channels.records import Event, InboundMessage


def text(number: int) -> dict[str, Any]:
    return {
        "from": f"4930{number}",
        "id": f"wamid.{number}",
        "timestamp": "1749416383",
        "type": "text",
        "text": {"body": "x"},
    }


def state(number: int) -> dict[str, Any]:
    return {"id": f"wamid.{number}", "status": "read", "timestamp": "1749416383", "recipient_id": f"4930{number}"}


def value(number_id: str = "106", **parts: Any) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "metadata": {"phone_number_id": number_id}, **parts}


def webhook(*values: dict[str, Any], field: str = "messages", waba_id: Any = "102") -> dict[str, Any]:
    return {"id": waba_id, "changes": [{"field": field, "value": value} for value in values]}


def cut(*entries: Any) -> list[Event]:
    return split(json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode())


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def test_a_thousand_updates_over_many_accounts_and_numbers_all_arrive() -> None:
    people = [{"wa_id": f"4930{number}", "profile": {"name": f"Name {number}"}} for number in range(1000)]
    entries = [
        webhook(
            *[
                value(
                    f"{account}{phone}",
                    contacts=people[start : start + 10],
                    messages=[text(number) for number in range(start, start + 5)],
                    statuses=[state(number) for number in range(start + 5, start + 10)],
                )
                for phone in range(10)
                for start in [account * 100 + phone * 10]
            ],
            waba_id=account,
        )
        for account in range(10)
    ]
    events = cut(*entries)
    assert (kinds(events).count("message"), kinds(events).count("status"), len(events)) == (500, 500, 1000)
    found = {read(event.payload).provider_message_id: event for event in events}  # type: ignore[union-attr] # none is None
    assert len(found) == 1000
    assert (found["wamid.342"].waba_id, found["wamid.342"].phone_number_id) == ("3", "34")
    alone = read(found["wamid.342"].payload)
    assert isinstance(alone, InboundMessage)
    assert alone.sender.name == "Name 342"


def test_each_event_holds_only_its_own_contact() -> None:
    people = [{"wa_id": "49301", "profile": {"name": "One"}}, {"user_id": "US.2", "profile": {"name": "Two"}}]
    second = text(2) | {"from": None, "from_user_id": "US.2"}
    first, other = cut(webhook(value(contacts=people, messages=[text(1), second])))
    assert ("One" in first.payload, "Two" in first.payload) == (True, False)
    assert ("One" in other.payload, "Two" in other.payload) == (False, True)


def test_the_only_contact_of_the_only_message_is_its_sender() -> None:
    [event] = cut(webhook(value(contacts=[{"wa_id": "5511", "profile": {"name": "Ana"}}], messages=[text(1)])))
    assert "Ana" in event.payload


def test_a_contact_is_never_given_to_somebody_else() -> None:
    first, second, stranger = cut(webhook(value(contacts=[{"wa_id": "4977", "profile": {"name": "Ana"}}], messages=[text(1), text(2)])))
    assert "Ana" not in first.payload + second.payload
    assert (stranger.kind, "Ana" in stranger.payload) == ("other", True)


@pytest.mark.parametrize(
    "broken",
    [
        None, 7, "x", [], {}, {"id": ""}, {"id": "wamid.1"}, {"id": {}, "from": "49"}, {"id": "w" * 513, "from": "49"},
        {"from": "49"}, text(9) | {"group_id": "g"}, text(9) | {"from": "anonymous"},
    ],
)  # fmt: skip
def test_a_malformed_message_does_not_cost_the_others(broken: Any) -> None:
    events = cut(webhook(value(messages=[text(1), broken, text(2)], statuses=[state(3)])))
    assert sorted(kinds(events)) == ["message", "message", "other", "status"]
    [odd] = [event for event in events if event.kind == "other"]
    assert json.loads(odd.payload)["change"]["value"]["messages"] == [broken]
    assert read(odd.payload) is None


@pytest.mark.parametrize("broken", [None, 7, [], {}, {"id": "w"}, {"status": "read"}, {"id": "w", "status": {}}])
def test_a_malformed_status_does_not_cost_the_others(broken: Any) -> None:
    events = cut(webhook(value(statuses=[state(1), broken, state(2)])))
    assert sorted(kinds(events)) == ["other", "status", "status"]


@pytest.mark.parametrize("broken", [None, 7, {}, {"id": "1"}, {"id": "1", "changes": 5}, {"id": "1", "changes": []}])
def test_a_malformed_entry_does_not_cost_the_others(broken: Any) -> None:
    assert kinds(cut(webhook(value(messages=[text(1)])), broken, webhook(value(messages=[text(2)])))) == [
        "message", "other", "message",
    ]  # fmt: skip


@pytest.mark.parametrize("broken", [None, 7, {}, {"field": "messages"}, {"field": "messages", "value": 5}])
def test_a_malformed_change_does_not_cost_the_others(broken: Any) -> None:
    entry = webhook(value(messages=[text(1)]))
    entry["changes"].append(broken)
    assert kinds(cut(entry, webhook(value(messages=[text(2)])))) == ["message", "other", "message"]


@pytest.mark.parametrize("parts", [{"messages": {"id": 1}}, {"messages": "x"}, {"statuses": 5}, {"contacts": 3}, {}])
def test_a_value_of_another_shape_is_kept_whole(parts: dict[str, Any]) -> None:
    [event] = cut(webhook(value(**parts)))
    assert event.kind == "other"
    assert all(json.dumps(part) in json.dumps(json.loads(event.payload)) for part in parts.values())


def test_errors_and_parts_nobody_knows_are_kept_beside_the_messages() -> None:
    errors = [{"code": 130429, "title": "Rate limit hit"}]
    message, other = cut(webhook(value(messages=[text(1)], errors=errors, brand_new={"a": 1})))
    assert (message.kind, other.kind) == ("message", "other")
    assert json.loads(other.payload)["change"]["value"] == {
        "metadata": {"phone_number_id": "106"}, "errors": errors, "brand_new": {"a": 1},
    }  # fmt: skip


def test_a_field_of_another_kind_is_kept_whole_with_its_time() -> None:
    change = {"event": "APPROVED", "message_template_id": 1689556908129832, "message_template_name": "order"}
    [event] = cut(webhook(change, field="message_template_status_update") | {"time": 1739321024})
    assert (event.kind, event.waba_id, event.phone_number_id) == ("other", "102", "")
    assert json.loads(event.payload) == {
        "time": 1739321024, "change": {"field": "message_template_status_update", "value": change},
    }  # fmt: skip


def test_echoes_of_the_business_app_are_no_messages_of_a_customer() -> None:
    events = cut(webhook(value(message_echoes=[text(1), text(2)]), field="smb_message_echoes"))
    assert [(event.kind, event.phone_number_id, read(event.payload)) for event in events] == [("other", "106", None)] * 2
    assert [json.loads(event.payload)["change"]["value"]["message_echoes"] for event in events] == [
        [text(1)],
        [text(2)],
    ]


def test_json_that_is_no_webhook_is_kept_too() -> None:
    for body in (b"[]", b"5", b'"x"', b"{}", b'{"entry":[]}', b'{"entry":{}}', b"null"):
        [event] = split(body)
        assert (event.kind, json.loads(event.payload)) == ("other", {"body": json.loads(body)})


@pytest.mark.parametrize("levels", [200, 240])
def test_deep_nesting_is_read_like_anything_else(levels: int) -> None:
    deep = b"[" * levels + b"]" * levels
    body = json.dumps({"entry": [webhook(value(messages=[text(1) | {"text": "DEEP"}, text(2)]))]}).encode()
    assert kinds(split(body.replace(b'"DEEP"', deep))) == ["message", "message"]


@pytest.mark.parametrize("levels", [260, 1000])
def test_nesting_too_deep_to_cut_is_kept_as_it_came_and_costs_nobody_else(levels: int) -> None:
    deep = b"[" * levels + b"]" * levels
    body = json.dumps({"entry": [webhook(value(messages=[text(1), {"id": "DEEP"}, {"id": "DEEP"}, text(2)]))]}).encode()
    body = body.replace(b'"DEEP"', deep)
    events = split(body)
    assert sorted(kinds(events)) == ["message", "message", "other"]
    [whole] = [event for event in events if event.kind == "other"]
    assert json.loads(whole.payload)["body"].encode() == body


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "zero-length"),
        (b'{"entry": [', "byte 11"),
        (b'{"a": "\xff"}', "invalid UTF-8 at byte 7"),
        ('{"ü": tru}'.encode(), "at byte 7"),
        (b'{"a": "\0"}', "at byte 7"),
        (b"<html>", "at byte 0"),
        (b'{"a": NaN}', "at byte 6"),
        (b"[" * 100_000, "at byte 10"),
    ],
)
def test_what_is_not_json_says_why_and_where(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        split(body)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("escape", [rb"\u0000", rb"\ud800", rb"\udc00", rb"\uD83D\uD83D", rb"\ud83d\u0041"])
def test_text_that_postgresql_refuses_is_mended_wherever_it_stands(escape: bytes) -> None:
    for body in (b'{"' + escape + b'": 1}', b'["' + escape + b'"]', b'{"entry":[{"id":"' + escape + b'"}]}'):
        [event] = split(body)
        assert "\ufffd" in event.payload
        assert not {"\0", *map(chr, range(0xD800, 0xE000))} & set(event.payload)
        assert rb"\u0000" not in event.payload.encode()


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
odd_values = st.fixed_dictionaries({}, optional={key: any_json | st.lists(any_json) for key in ("metadata", "contacts", "messages", "statuses", "x")})


@given(any_json | st.fixed_dictionaries({"entry": st.lists(any_json | odd_values.map(webhook))}))
def test_any_json_can_be_split_and_each_part_read(body: Any) -> None:
    for event in split(json.dumps(body).encode()):
        found = read(event.payload)
        assert (found is None) == (event.kind == "other")
        event.payload.encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_split_or_unreadable(body: bytes) -> None:
    try:
        split(body)
    except Unreadable as error:
        assert "byte" in str(error)
