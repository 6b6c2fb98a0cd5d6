"""Slugs: whatever a name is made of."""

import asyncio
import re
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

VALID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=300)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Meine Firma GmbH", "meine-firma-gmbh"),
        ("Café Zürich & Söhne", "cafe-zuerich-soehne"),
        ("ÆRØ Ångström Łódź Đakovo", "aeroe-aangstroem-lodz-dakovo"),
        ("Crème Brûlée", "creme-brulee"),
        ("Straße", "strasse"),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full-width"),
        ("  --x--  ", "x"),
        ("李小龍", "organization"),
        ("", "organization"),
        ("a" * 300, "a" * 50),
    ],
)
def test_a_name_becomes_its_plain_letters_and_dashes(urls: Any, name: str, slug: str) -> None:
    with psycopg.connect(urls.owner) as owner:
        assert owner.execute("select private.slug(%s)", (name,)).fetchone() == (slug,)


def test_any_text_makes_a_valid_slug_and_a_slug_is_its_own(urls: Any) -> None:
    with psycopg.connect(urls.owner) as owner:

        @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(TEXT)
        def check(name: str) -> None:
            row = owner.execute("select slug, private.slug(slug) from private.slug(%s) as slug", (name,)).fetchone()
            assert row and VALID.fullmatch(row[0]) and len(row[0]) <= 50 and row[1] == row[0]

        check()


def test_clashes_get_numbers_and_numbers_that_are_names_are_stepped_over(urls: Any) -> None:
    with psycopg.connect(urls.owner) as owner:
        made = []
        for name in ("Glow", "Glow 2", "glow", "GLOW!"):
            row = owner.execute("select private.free_slug(%s)", (name,)).fetchone()
            assert row
            made.append(row[0])
            owner.execute("insert into public.organizations (id, slug, name) values (gen_random_uuid(), %s, %s)", (row[0], name))
        assert made == ["glow", "glow-2", "glow-3", "glow-4"]


def test_the_longest_slug_keeps_room_for_its_number(urls: Any) -> None:
    with psycopg.connect(urls.owner) as owner:
        owner.execute("insert into public.organizations (id, slug, name) values (gen_random_uuid(), %s, 'x')", ("a" * 50,))
        row = owner.execute("select private.free_slug(%s)", ("a" * 200,)).fetchone()
        assert row and row[0] == "a" * 50 + "-2" and VALID.fullmatch(row[0])


async def test_a_number_that_is_being_given_out_is_not_given_twice(urls: Any) -> None:
    """Salon signs up a second time while Salon 2 does: both get an organization."""
    sign_up = "insert into auth.users (id, email, raw_user_meta_data) values (gen_random_uuid(), %s, jsonb_build_object('organization_name', %s::text))"
    async with await psycopg.AsyncConnection.connect(urls.owner) as one, await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as other:
        await other.execute(sign_up, ("first@example.com", "Salon"))
        await one.execute(sign_up, ("second@example.com", "Salon"))
        waiting = asyncio.create_task(other.execute(sign_up, ("third@example.com", "Salon 2")))
        while (await (await one.execute("select count(*) from pg_locks where not granted")).fetchone()) == (0,):
            assert not waiting.done()
        await one.commit()
        await waiting
        found = await other.execute("select o.slug from public.organizations o join public.organization_members m on m.organization_id = o.id order by 1")
        assert [row[0] for row in await found.fetchall()] == ["salon", "salon-2", "salon-2-2"]
