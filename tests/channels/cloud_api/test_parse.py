"""What each kind of event says: Meta's own examples, one by one."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels.cloud_api import Unreadable, read, split
from frontdesk.channels.records import InboundMessage, InboundStatus, Sender

SHEENA = {
    "profile": {"name": "Sheena Nelson", "username": "@realsheena"},
    "wa_id": "16505551234",
    "user_id": "US.13491208655302741918",
}
COMMON = {"from": "16505551234", "id": "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJCOTY", "timestamp": "1749416383"}


def webhook(value: dict[str, Any]) -> bytes:
    metadata = {"display_phone_number": "15550783881", "phone_number_id": "106540352242922"}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "102", "changes": [change]}]}).encode()


def message(content: dict[str, Any], *contacts: dict[str, Any]) -> InboundMessage:
    [event] = split(webhook({"contacts": list(contacts) or [SHEENA], "messages": [COMMON | content]}))
    assert (event.waba_id, event.phone_number_id, event.kind) == ("102", "106540352242922", "message")
    found = read(event.payload)
    assert isinstance(found, InboundMessage)
    return found


def status(content: dict[str, Any], **value: Any) -> InboundStatus:
    [event] = split(webhook({"statuses": [content], **value}))
    assert event.kind == "status"
    found = read(event.payload)
    assert isinstance(found, InboundStatus)
    return found


def test_a_text_is_read_with_its_sender() -> None:
    assert message({"type": "text", "text": {"body": "Is my order ready?"}}) == InboundMessage(
        "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBJCOTY",
        Sender("16505551234", "US.13491208655302741918", "realsheena", "Sheena Nelson"),
        datetime(2025, 6, 8, 20, 59, 43, tzinfo=UTC),
        "text",
        "Is my order ready?",
        None,
        None,
    )


MEDIA = {"id": "65463453", "mime_type": "image/jpeg", "sha256": "x"}
CARD = {"name": {"formatted_name": "John Smith", "first_name": "John"}, "phones": [{"phone": "+1 555"}], "vcard": "…"}


@pytest.mark.parametrize(
    ("kind", "content", "shown"),
    [
        ("image", MEDIA | {"caption": "Look"}, "Look"),
        ("image", MEDIA | {"url": "https://lookaside.fbsbx.com/1"}, "Photo"),
        ("video", {"id": "1", "mime_type": "video/mp4", "caption": "Dance"}, "Dance"),
        ("video", {"id": "1", "mime_type": "video/mp4"}, "Video"),
        ("audio", {"id": "1", "mime_type": "audio/ogg; codecs=opus", "voice": True}, "Voice message"),
        ("audio", {"id": "1", "mime_type": "audio/mpeg", "voice": False}, "Audio"),
        ("document", {"id": "1", "filename": "bill.pdf", "caption": "Our bill"}, "Our bill"),
        ("document", {"id": "1", "filename": "bill.pdf"}, "Document: bill.pdf"),
        ("document", {"id": "1"}, "Document"),
        ("sticker", {"id": "1", "mime_type": "image/webp", "animated": False}, "Sticker"),
        ("location", {"latitude": 37.46, "longitude": -122.21}, "Location: 37.46, -122.21"),
        (
            "location",
            {"latitude": 1, "longitude": 2, "name": "HQ", "address": "1 Hacker Way"},
            "Location: HQ, 1 Hacker Way",
        ),
        ("location", {}, "Location"),
        ("contacts", [CARD], "Contact: John Smith"),
        ("contacts", [CARD, CARD | {"name": {"formatted_name": "Ana"}}], "Contacts: John Smith, Ana"),
        ("contacts", [{"phones": [{"phone": "+1 555"}]}], "Contact"),
        ("interactive", {"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}, "Yes"),
        ("interactive", {"type": "list_reply", "list_reply": {"id": "r1", "title": "Row", "description": "…"}}, "Row"),
        (
            "interactive",
            {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}},
            "Sent",
        ),
        ("interactive", {"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}, "Form answered"),
        ("interactive", {"type": "brand_new", "brand_new": {}}, "Unsupported message (brand_new)"),
        ("button", {"payload": "cb-1", "text": "Stop"}, "Stop"),
        ("button", {"payload": "cb-1"}, "cb-1"),
        ("order", {"catalog_id": "1", "text": "", "product_items": [{"quantity": 3}]}, "Order: 1 product"),
        ("order", {"text": "Soon please", "product_items": [{}, {}]}, "Order: 2 products. Soon please"),
        ("unsupported", {"type": "poll"}, "Unsupported message (poll)"),
        ("unsupported", {}, "Unsupported message"),
        (
            "edit",
            {"original_message_id": "wamid.1", "message": {"type": "text", "text": {"body": "Hi!"}}},
            "Edited: Hi!",
        ),
        ("edit", {"original_message_id": "wamid.1", "message": {"type": "image", "image": {}}}, "Edited a message"),
        ("revoke", {"original_message_id": "wamid.1"}, "Deleted a message"),
        ("request_welcome", {}, "Opened the chat"),
        ("system", {"body": "User A changed from 1650 to 1219", "wa_id": "1219"}, "User A changed from 1650 to 1219"),
        ("system", {"type": "customer_identity_changed"}, "System message"),
        ("poll_creation", {"name": "Lunch?"}, "Unsupported message (poll_creation)"),
        ("text", {}, ""),
        ("text", {"body": 5}, "5"),
    ],
)
def test_every_type_has_a_readable_line(kind: str, content: Any, shown: str) -> None:
    found = message({"type": kind, kind: content})
    assert (found.type, found.text, found.emoji) == (kind, shown, None)


def test_an_unsupported_message_without_a_body_is_shown_too() -> None:
    errors = [{"code": 131051, "title": "Message type unknown", "error_data": {"details": "not supported"}}]
    assert message({"type": "unsupported", "errors": errors}).text == "Unsupported message"


def test_a_message_without_a_type_is_shown_as_unknown() -> None:
    assert message({}).text == "Unsupported message (unknown)"


def test_a_quoted_message_is_named() -> None:
    content = {"type": "text", "text": {"body": "This one"}, "context": {"from": "15550783881", "id": "wamid.quoted"}}
    assert message(content).reply_to == "wamid.quoted"


def test_a_forwarded_message_quotes_nothing() -> None:
    assert message({"type": "text", "text": {"body": "Joke"}, "context": {"forwarded": True}}).reply_to is None


def test_a_text_from_an_advertisement_is_a_text() -> None:
    referral = {"source_url": "https://fb.me/1", "source_type": "ad", "ctwa_clid": "x"}
    assert message({"type": "text", "text": {"body": "Hello"}, "referral": referral}).text == "Hello"


@pytest.mark.parametrize("kind", ["edit", "revoke"])
def test_a_change_of_a_message_names_it(kind: str) -> None:
    assert message({"type": kind, kind: {"original_message_id": "wamid.first"}}).reply_to == "wamid.first"


@pytest.mark.parametrize(
    ("content", "emoji"),
    [
        ({"message_id": "wamid.1", "emoji": "😮"}, "😮"),
        ({"message_id": "wamid.1", "emoji": ""}, ""),
        ({"message_id": "wamid.1"}, ""),
    ],
)
def test_a_reaction_names_its_message_and_an_empty_one_takes_it_back(content: dict[str, str], emoji: str) -> None:
    found = message({"type": "reaction", "reaction": content})
    assert (found.emoji, found.reply_to, found.text) == (emoji, "wamid.1", None)


def test_somebody_without_a_phone_number_is_known_by_bsuid() -> None:
    content = {"from": None, "from_user_id": "US.1", "type": "text", "text": {"body": "Hi"}}
    found = message(content, {"profile": {"name": "Ana", "username": "ana"}, "user_id": "US.1"})
    assert found.sender == Sender(None, "US.1", "ana", "Ana")


def test_a_bsuid_that_stands_only_in_the_contact_is_found() -> None:
    found = message({"from": None, "type": "text", "text": {"body": "Hi"}}, {"user_id": "US.1"})
    assert found.sender == Sender(None, "US.1", None, None)


def test_a_number_is_kept_as_digits() -> None:
    assert message({"from": "+1 (650) 555-1234"}).sender.phone == "16505551234"


def test_ids_and_times_may_come_as_numbers() -> None:
    found = message({"from": 16505551234, "id": 77, "timestamp": 1749416383})
    assert (found.sender.phone, found.provider_message_id, found.sent_at.year) == ("16505551234", "77", 2025)


def test_a_changed_bsuid_arrives_without_contacts() -> None:
    system = {
        "body": "User A changed",
        "user_id": "US.new",
        "previous_user_id": "US.old",
        "type": "user_changed_user_id",
    }
    raw = {"id": "wamid.1", "timestamp": "1749416383", "type": "system", "from_user_id": "US.old", "system": system}
    [event] = split(webhook({"messages": [raw]}))
    found = read(event.payload)
    assert isinstance(found, InboundMessage)
    assert (found.sender, found.text) == (Sender(None, "US.old", None, None), "User A changed")


@pytest.mark.parametrize(
    ("timestamp", "year"),
    [
        ("0", 1970), ("-5", 1970), (-(10**30), 1970), (None, 1970), ("soon", 1970), ("", 1970), ([], 1970),
        ("253402300800", 9999), ("9" * 30, 9999), ("9" * 9999, 1970),
    ],
)  # fmt: skip
def test_an_impossible_time_is_clamped_and_never_becomes_now(timestamp: Any, year: int) -> None:
    assert message({"timestamp": timestamp}).sent_at.year == year


def test_nul_and_half_surrogates_become_replacement_characters() -> None:
    body = webhook({"contacts": [SHEENA], "messages": [COMMON | {"type": "text", "text": {"body": "BODY"}}]})
    [event] = split(body.replace(b"BODY", rb"a\u0000b \ud83dc \ude00 \ud83d\ude00 \\u0000 \\\u0000 \\ud800"))
    found = read(event.payload)
    assert isinstance(found, InboundMessage)
    assert found.text == "a\ufffdb \ufffdc \ufffd 😀 \\u0000 \\\ufffd \\ud800"
    event.payload.encode()
    assert "\0" not in event.payload


OURS = UUID("0199a5b0-1111-7222-8333-444455556666")
DELIVERED = {
    "id": "wamid.out",
    "status": "delivered",
    "timestamp": "1750030073",
    "recipient_id": "16505551234",
    "recipient_user_id": "US.1",
    "biz_opaque_callback_data": str(OURS),
    "pricing": {"billable": True, "pricing_model": "PMP", "type": "regular", "category": "marketing"},
}


@pytest.mark.parametrize("state", ["sent", "delivered", "read", "played"])
def test_a_status_brings_our_own_id_back(state: str) -> None:
    at = datetime(2025, 6, 15, 23, 27, 53, tzinfo=UTC)
    found = status(DELIVERED | {"status": state}, contacts=[SHEENA])
    assert found == InboundStatus("wamid.out", OURS, state, at, None, None)


@pytest.mark.parametrize("code", [131049, "131049"])
def test_a_failed_status_comes_without_contacts_and_says_why(code: int | str) -> None:
    error = {
        "code": code,
        "title": "Not delivered",
        "message": "Not delivered",
        "error_data": {"details": "To keep engagement"},
    }
    raw = {"id": "wamid.out", "status": "failed", "timestamp": "1750030073", "errors": [error]}
    found = status(raw)
    assert (found.status, found.error_code, found.error_text) == ("failed", 131049, "To keep engagement")


@pytest.mark.parametrize("error", [{}, {"title": "Odd"}, {"code": "x"}, {"code": 10**30}, {"code": None}, 7, None])
def test_a_failed_status_with_an_odd_error_is_still_a_failure(error: Any) -> None:
    found = status(DELIVERED | {"status": "failed", "errors": [error]})
    assert (found.status, found.error_code) == ("failed", None)


@pytest.mark.parametrize("data", [None, "", "c:42/r:9", "0" * 36, 5, {}, "{" + str(OURS)[:34] + "}"])
def test_callback_data_that_is_not_ours_names_no_message(data: Any) -> None:
    assert status(DELIVERED | {"biz_opaque_callback_data": data}).message_id is None


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*COMMON, "type", "text", "context", "reaction", "errors", "status", "system"]), any_json))
def test_reading_never_stumbles_over_what_it_is_given(content: dict[str, Any]) -> None:
    for kind in ("message", "status"):
        found = read(json.dumps({kind: COMMON | {"type": "text"} | content, "contact": content.get("context")}))
        assert found is None or found.provider_message_id


@given(any_json)
def test_any_json_can_be_read(value: Any) -> None:
    assert read(json.dumps(value)) is None or isinstance(value, dict)


@given(st.text())
def test_a_payload_is_json_or_unreadable(payload: str) -> None:
    try:
        read(payload)
    except Unreadable as error:
        assert str(error).startswith("not JSON: ")
