"""What pgrls, a linter of others for row-level security, finds in the migrated database: nothing but what is listed here with its reason."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Urls

PRIVATE = "no role of ours, nor any client, may touch a table of schema private: tests/test_catalogue.py asks the catalogue"
OWNER = "for the owner of the schema, whom FORCE binds too, and for service_role, whom Supabase lets past every policy; nobody signs in as either"
OPERATORS = "an operator reads every row of the few tables he sees at all; who is none reads no row: tests/operator/test_isolation.py"
EVERYBODY = "the same for everybody, read by everybody, written by nobody but migrations"
WORKER = "on purpose: as an index condition it makes batches walk whole tenants (decision 4); tests/test_plans.py reads the plans"
TRIGGERS = "our own: each touches the row's own organization, or refuses; tests/test_isolation.py tries every table as a stranger"
DEFINERS = "one narrow job each, behind private.may_act_for or for the application's login only; tests/test_isolation.py calls each as a stranger"
SHADOWS = "tables and functions are named with their schema, and nobody who could make a temporary type runs statements of his own"
WITHHELD = "what is withheld is filtered among the organization's rows, which are found by index; tests/test_plans_restricted.py reads the plans"
MASK = "it asks what the policies ask, and masks numbers that no member may read past it; tests/members/test_restrictions.py"
# Rule, where it may find something, and why that is as it should be.
ALLOWED = [
    ("SEC001", r"private\.\w+", PRIVATE),
    ("SEC005", r"public\.\w+\.(owner|service) (does all|reads|appends|cascades)", OWNER),
    ("SEC005", r"public\.\w+\.everybody reads", EVERYBODY),
    ("SEC005", r"public\.\w+\.frontdesk_operator reads", OPERATORS),
    ("SEC008", r"public\.\w+\.(owner|service) (does all|reads|cascades)", OWNER),
    ("SEC008", r"public\.\w+\.everybody reads", EVERYBODY),
    ("SEC013", r"public\.\w+\.\w+", TRIGGERS),
    ("SEC014", r"(private|public)\.\w+", DEFINERS),
    ("SEC015", r"(private|public)\.\w+", SHADOWS),
    ("SEC016", r"service_role", "Supabase's own role is so, and the bootstrap makes a plain server like it"),
    ("SEC023", r"public\.\w+\.(service|everybody) (does all|reads)", "service_role is named where Supabase's tools look for it"),
    ("SEC028", r"public\.\w+\.(owner|service) (does all|appends)", OWNER),
    ("SEC029", r"authenticator", "Supabase's own role, and PostgREST's only way to become others"),
    ("SEC035", r"public\.organizations \(organizations_slug_key\)", "a slug is an address of the installation, so it is taken or free for all"),
    ("SEC035", r"public\.organization_invitations \(organization_invitations_token\)", "an invitation is found by its link, whosever it is"),
    ("SEC035", r"public\.(billing_accounts|billing_events|subscriptions) \(\w+\)", "customers, events and subscriptions there are one, whosever they are"),
    ("SEC038", r"public\.\w+\.(owner|service) (does all|reads|cascades)", OWNER),
    ("SEC038", r"public\.\w+\.everybody reads", EVERYBODY),
    ("SEC049", r"public\.(plan_prices|role_permissions|subscription_plans|usage_metrics)", EVERYBODY),
    ("PERF003", r"public\.(conversations|messages|contact_identities)\.frontdesk_member (adds|changes|reads|removes)", WITHHELD),
    ("PERF004", r"public\.messages\.frontdesk_member (adds|changes|reads|removes)", WITHHELD),
    ("VIEW001", r"private\.people", MASK),
    ("PERF004", r"public\.\w+\.frontdesk_worker (adds|changes|reads|removes)", WORKER),
]  # fmt: skip


def findings(owner_url: str, folder: Path) -> list[dict[str, Any]]:
    """What pgrls says about the schemas of this database; hints without an effect on anybody are left out."""
    report = folder / "pgrls.json"
    program = Path(sys.executable).with_name("pgrls")
    said = subprocess.run(
        [program, "lint", "--database-url", owner_url, "--schemas", "public,private", "--format", "json", "--output", report],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert report.exists(), said.stderr
    return [one for one in json.loads(report.read_text())["violations"] if one["severity"] != "info"]


def allowed(finding: dict[str, Any]) -> list[str]:
    return [f"{rule} {place}" for rule, place, _ in ALLOWED if rule == finding["rule_id"] and re.fullmatch(place, finding["location"])]


def told(found: list[dict[str, Any]]) -> list[str]:
    return [f"{one['severity']} {one['rule_id']} {one['location']}: {one['title']}" for one in found if not allowed(one)]


def test_pgrls_finds_nothing_that_has_no_reason(urls: Urls, tmp_path: Path) -> None:
    found = findings(urls.owner, tmp_path)
    assert told(found) == []
    assert {f"{rule} {place}" for rule, place, _ in ALLOWED} == {reason for one in found for reason in allowed(one)}  # and no reason outlives its finding


OFFENCES = {
    "create table public.left_open (organization_id uuid, secret text)": "SEC001 public.left_open",
    'create policy "anybody" on public.contacts for select to public using (true)': "SEC038 public.contacts.anybody",
    "alter table public.contacts no force row level security": "SEC002 public.contacts",
    "create view public.past_the_wall as select * from public.contacts": "VIEW001 public.past_the_wall",
}


@pytest.mark.parametrize("offence", OFFENCES)
def test_what_would_be_wrong_is_found(urls: Urls, tmp_path: Path, offence: str) -> None:
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(offence)  # type: ignore[arg-type]  # one of the above
    found = told(findings(urls.owner, tmp_path))
    assert any(OFFENCES[offence] in one for one in found), found
