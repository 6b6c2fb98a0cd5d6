"""No way of signing in goes past the second factor: sessions are opened in these places and in no other."""

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "frontdesk"
# Where a session is opened, and why nobody gets in there without the second factor that he has.
OPENS = {
    "users/actions.py": "admit: whoever has a second factor gets a pending sign-in instead",
    "users/second_step/actions.py": "the second factor was proved",
    "users/passkeys/actions.py": "a device that saw its user is two factors",
    "registration/actions.py": "the user was made a moment ago and has none",
    "single_sign_on/actions.py": "as above",
    "invitations/acceptance/actions.py": "as above",
}


def test_sessions_are_opened_where_no_second_factor_is_owed() -> None:
    found = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")
        if re.search(r"(?<!def )\bopen_session\(", path.read_text("utf-8")) and path.name != "store.py"
    }  # fmt: skip
    assert found == OPENS.keys()


def test_whoever_is_made_a_moment_ago_is_a_new_user() -> None:
    for name, why in OPENS.items():
        if why in ("as above", OPENS["registration/actions.py"]):
            calls = re.findall(r'open_session\(db, \w+, "([^"]+)"', (SOURCE / name).read_text("utf-8"))
            assert set(calls) == {"user.registered"}, name
