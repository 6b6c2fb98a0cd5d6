"""The id of an inbound message: the same each time it arrives, and in the order of WhatsApp's seconds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels import derived_id

moments = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))
provider_ids = st.text(min_size=1, max_size=80)


@given(st.uuids(), provider_ids, moments)
def test_the_same_message_always_gets_the_same_id(channel_id: UUID, provider_id: str, at: datetime) -> None:
    assert derived_id(channel_id, provider_id, at) == derived_id(UUID(str(channel_id)), provider_id, at)


@given(st.uuids(), provider_ids, moments)
def test_the_id_is_a_uuid_of_version_7_that_carries_the_time(channel_id: UUID, provider_id: str, at: datetime) -> None:
    found = derived_id(channel_id, provider_id, at)
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert found.int >> 80 == int(at.timestamp()) * 1000


@given(st.uuids(), provider_ids, provider_ids, moments, st.integers(1, 10**6))
def test_a_message_of_a_later_second_sorts_after(channel_id: UUID, first: str, second: str, at: datetime, seconds: int) -> None:
    later = at + timedelta(seconds=seconds)
    assert derived_id(channel_id, first, at) < derived_id(channel_id, second, later)


@given(st.uuids(), st.uuids(), provider_ids, moments)
def test_two_numbers_that_get_the_same_provider_id_keep_two_messages(one: UUID, other: UUID, provider_id: str, at: datetime) -> None:
    assert (derived_id(one, provider_id, at) == derived_id(other, provider_id, at)) == (one == other)


def test_ten_thousand_messages_of_one_second_all_differ() -> None:
    at, channel_id = datetime(2026, 11, 22, tzinfo=UTC), UUID(int=7)
    assert len({derived_id(channel_id, f"wamid.{number}", at) for number in range(10_000)}) == 10_000


def test_a_time_before_1970_counts_as_1970() -> None:
    assert derived_id(UUID(int=1), "wamid.1", datetime(1960, 1, 1, tzinfo=UTC)).int >> 80 == 0
