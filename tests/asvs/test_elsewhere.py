"""The thirty checks of ASVS 5.0 that we hold ourselves to: each has tests, here by their name or elsewhere by this table, and all of them run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# The thirty, by number of the check: the requirements that must have a test.
CHECKS = {
    1: ["8.4.1"], 2: ["8.2.2"], 3: ["8.2.1"], 4: ["8.2.3", "15.3.3"], 5: ["8.3.1"], 6: ["6.2.1", "6.2.9", "6.2.5"], 7: ["6.2.4", "6.2.12"], 8: ["6.2.3"],
    9: ["6.3.1"], 10: ["6.3.3"], 11: ["6.3.4"], 12: ["6.4.3"], 13: ["6.5.1"], 14: ["6.8.1"], 15: ["7.2.3", "7.2.4"], 16: ["7.3.1", "7.3.2"],
    17: ["7.4.1", "7.4.2"], 18: ["7.4.3", "7.5.2"], 19: ["7.5.1"], 20: ["3.3.1", "3.3.4"], 21: ["3.4.3", "3.4.6"], 22: ["3.4.1", "3.4.4", "3.4.5"],
    23: ["3.5.1", "3.5.3"], 24: ["1.2.1", "1.3.1"], 25: ["1.3.6"], 26: ["1.2.4", "1.3.7"], 27: ["5.2.2", "5.3.2", "5.4.1"], 28: ["9.1.2", "9.2.3", "9.1.3"],
    29: ["11.3.2", "13.3.1", "16.2.5"], 30: ["16.3.1", "16.3.2", "16.3.3", "16.5.1"],
}  # fmt: skip
ALSO = ["14.3.2", "14.2.1", "15.3.4", "13.4.5", "2.3.4"]
# What cannot be checked yet, and why.
NOT_YET = {
    "5.2.2": "nobody can upload anything yet",
    "5.3.2": "nobody can upload anything yet",
    "5.4.1": "nobody can upload anything yet, and no file is served but our own",
}
ELSEWHERE = {
    "1.2.4": ["tests/test_house.py::test_statements_are_never_put_together_from_values"],
    "1.3.6": [
        "tests/test_outgoing.py::test_asvs_1_3_6_a_provider_sends_us_to_no_address_that_only_we_reach",
        "tests/test_outgoing.py::test_what_was_judged_is_what_is_reached",
        "tests/channels/cloud_api/test_client.py::test_a_redirect_is_not_followed_and_the_token_stays_here",
    ],
    "1.3.7": ["tests/auto_replies/test_replies.py::test_a_value_is_never_looked_at_again"],
    "2.3.4": [
        "tests/test_usage_limits.py::test_thirty_two_callers_get_exactly_what_the_plan_allows",
        "tests/invitations/test_seats.py::test_many_at_once_do_not_overshoot",
    ],
    "6.2.1": ["tests/users/test_strength.py::test_lengths_are_told"],
    "6.2.3": [
        "tests/users/test_password_change.py::test_what_is_wrong_is_said_beside_its_field_and_nothing_changes",
        "tests/users/test_password_change.py::test_guesses_at_the_current_password_are_limited",
    ],
    "6.2.4": [
        "tests/users/test_strength.py::test_every_listed_password_is_refused",
        "tests/email_proofs/test_recovery.py::test_asvs_6_2_4_a_weak_password_is_refused_and_the_link_still_works",
    ],
    "6.2.5": ["tests/users/test_strength.py::test_others_pass_without_rules_about_capitals_digits_and_signs"],
    "6.2.9": ["tests/users/test_strength.py::test_any_text_gets_a_verdict_and_a_long_one_of_many_letters_passes"],
    "6.2.12": ["tests/users/test_strength.py::test_what_attackers_try_first_is_refused"],
    "6.3.1": [
        "tests/users/test_limits.py::test_the_eleventh_failure_has_to_wait_even_with_the_right_password_but_not_from_elsewhere",
        "tests/users/test_sign_in.py::test_an_unknown_email_and_a_wrong_password_get_the_same_answer",
        "tests/email_proofs/test_recovery.py::test_asvs_6_3_1_nobody_learns_who_has_an_account",
    ],
    "6.3.3": [
        "tests/users/test_second_step.py::test_before_the_second_step_nothing_is_reached",
        "tests/organizations/test_second_factor.py::test_members_without_one_reach_their_account_alone_and_are_told_why",
        "tests/organizations/test_second_factor.py::test_the_database_lets_nobody_in_without_one_whatever_the_page_says",
    ],
    "6.3.4": [
        "tests/users/test_admission.py::test_sessions_are_opened_where_no_second_factor_is_owed",
        "tests/users/test_sign_in.py::test_a_banned_or_deleted_user_gets_the_answer_of_a_stranger",
        "tests/single_sign_on/test_sign_in.py::test_who_is_banned_or_gone_stays_out_by_this_door_too",
        "tests/users/test_passkeys.py::test_a_user_who_may_not_sign_in_any_more_does_not_by_passkey",
        "tests/email_proofs/test_recovery.py::test_who_is_banned_gets_no_link_and_uses_none",
        "tests/api/test_guard.py::test_a_key_stops_when_its_maker_is_out",
    ],
    "6.4.3": [
        "tests/email_proofs/test_recovery.py::test_asvs_6_4_3_whoever_forgot_sets_another_password_and_signs_in_with_it",
        "tests/email_proofs/test_recovery.py::test_a_link_works_once_and_closes_the_others",
        "tests/email_proofs/test_recovery.py::test_a_link_is_over_after_an_hour",
        "tests/email_proofs/test_gate.py::test_asvs_6_4_3_a_new_password_goes_past_no_second_factor",
    ],
    "6.5.1": [
        "tests/users/test_second_step.py::test_a_code_works_once",
        "tests/users/test_second_step.py::test_of_one_code_at_many_doors_at_once_one_opens",
        "tests/users/test_second_step.py::test_a_recovery_code_works_once_and_its_user_learns_how_many_are_left",
    ],
    "6.8.1": [
        "tests/single_sign_on/test_sign_in.py::test_asvs_6_8_1_an_email_opens_no_account_however_well_the_provider_knows_it",
        "tests/single_sign_on/test_sign_in.py::test_asvs_6_8_1_another_provider_with_the_same_email_or_subject_is_somebody_else",
    ],
    "7.2.3": ["tests/users/test_sessions.py::test_a_made_up_token_is_nobodys"],
    "7.2.4": [
        "tests/users/test_sign_in.py::test_a_planted_token_is_worth_nothing_after_the_sign_in",
        "tests/users/test_fresh.py::test_after_the_proof_one_is_back_where_one_was_with_a_new_token",
    ],
    "7.3.1": ["tests/users/test_sessions.py::test_a_session_ends_after_twelve_idle_hours_or_fourteen_days"],
    "7.3.2": ["tests/users/test_sessions.py::test_a_session_ends_after_twelve_idle_hours_or_fourteen_days"],
    "7.4.1": [
        "tests/users/test_sessions.py::test_a_token_is_worth_nothing_after_the_sign_out",
        "tests/messages/inbox/test_stream.py::test_the_stream_ends_at_once_when_the_session_does",
    ],
    "7.4.2": [
        "tests/test_live_stream.py::test_a_stream_ends_when_it_may_not_go_on",
        "tests/messages/inbox/test_stream.py::test_the_stream_ends_at_once_for_whoever_is_no_member_any_more",
    ],
    "7.4.3": [
        "tests/users/test_sessions.py::test_all_others_are_signed_out_and_this_device_stays",
        "tests/users/test_password_change.py::test_it_ends_every_other_session_and_this_browser_gets_a_new_token",
        "tests/users/test_authenticator.py::test_adding_and_removing_end_every_other_session",
    ],
    "7.5.1": [
        "tests/users/test_fresh.py::test_a_proof_holds_for_ten_minutes",
        "tests/email_proofs/test_change.py::test_asvs_7_5_1_only_a_fresh_session_asks_for_another_email",
        "tests/users/test_authenticator.py::test_nothing_of_it_happens_on_an_old_proof",
        "tests/single_sign_on/test_linking.py::test_asvs_7_5_1_a_session_that_is_not_fresh_links_and_unlinks_nothing",
    ],
    "7.5.2": [
        "tests/users/test_sessions.py::test_the_account_page_lists_where_one_is_signed_in",
        "tests/users/test_sessions.py::test_one_other_device_is_signed_out",
    ],
    "8.2.1": [
        "tests/test_permissions.py::test_a_role_is_let_in_where_the_table_says_so_and_nowhere_else",
        "tests/test_permissions.py::test_every_route_says_what_it_needs_or_is_known_to_need_nothing",
        "tests/api/test_neighbours.py::test_each_route_wants_exactly_the_permission_it_names",
    ],
    "8.2.2": [
        "tests/test_strangers.py::test_what_a_neighbour_names_is_as_missing_as_what_never_was",
        "tests/api/test_neighbours.py::test_what_a_neighbour_names_is_as_missing_as_what_never_was",
    ],
    "8.3.1": [
        "tests/test_permissions.py::test_a_role_is_let_in_where_the_table_says_so_and_nowhere_else",
        "tests/web/test_guard.py::test_a_viewer_may_not_write",
    ],
    "8.4.1": [
        "tests/test_isolation.py::test_a_stranger_neither_sees_nor_changes_nor_removes_nor_adds_a_row",
        "tests/test_isolation.py::test_every_tenant_table_is_walled_and_truncated_by_nobody",
    ],
    "9.1.2": [
        "tests/single_sign_on/test_provider.py::test_asvs_9_1_2_a_token_that_no_key_of_the_provider_signed_is_worth_nothing",
        "tests/single_sign_on/test_sign_in.py::test_asvs_9_1_2_a_token_that_is_not_for_this_visit_signs_nobody_in",
    ],
    "9.1.3": ["tests/single_sign_on/test_provider.py::test_a_key_that_cannot_sign_for_the_provider_is_none"],
    "9.2.3": ["tests/single_sign_on/test_provider.py::test_asvs_9_2_3_a_token_for_somebody_else_or_another_time_is_worth_nothing"],
    "11.3.2": ["tests/test_secrets_at_rest.py::test_11_3_2_and_13_3_1_no_secret_stands_in_a_dump"],
    "13.3.1": [
        "tests/test_secrets_at_rest.py::test_11_3_2_and_13_3_1_no_secret_stands_in_a_dump",
        "tests/test_secrets_at_rest.py::test_whatever_is_called_a_secret_is_sealed_or_hashed",
    ],
    "16.2.5": [
        "tests/test_secrets_at_rest.py::test_16_2_5_no_secret_is_logged",
        "tests/test_serve.py::test_an_exception_is_logged_without_the_values_it_met",
    ],
    "16.3.3": ["tests/test_audited.py::test_every_route_that_changes_something_writes_its_entry"],
    "16.5.1": ["tests/web/test_failures.py::test_a_browser_sees_a_page"],
}  # fmt: skip


def here() -> set[str]:
    """The numbers in the names of the tests of this folder: `test_3_5_1_and_3_5_3_…`, `test_3_3_1_to_3_3_4_…` for both and what lies between."""
    found = set[str]()
    for name in re.findall(r"def test_((?:\d+_\d+_\d+_(?:and_|to_)?)+)", "".join(path.read_text("utf-8") for path in HERE.glob("test_*.py"))):
        numbers = [tuple(map(int, one)) for one in re.findall(r"(\d+)_(\d+)_(\d+)", name)]
        if "_to_" in name:
            numbers = [(*numbers[0][:2], last) for last in range(numbers[0][2], numbers[1][2] + 1)]
        found |= {".".join(map(str, one)) for one in numbers}
    return found


@pytest.mark.parametrize("number", sorted({*(one for needed in CHECKS.values() for one in needed), *ALSO} - NOT_YET.keys()))
def test_a_requirement_has_a_test(number: str) -> None:
    assert number in here() or ELSEWHERE.get(number)


def test_what_is_not_checked_yet_is_not_checked() -> None:
    assert NOT_YET.keys() & (here() | ELSEWHERE.keys()) == set()
    assert len(CHECKS) == 30


def test_every_test_of_the_table_is_there_and_is_collected() -> None:
    named = {one for tests in ELSEWHERE.values() for one in tests}
    files = sorted({one.partition("::")[0] for one in named})
    said = subprocess.run([sys.executable, "-m", "pytest", "--collect-only", "-q", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout[-2000:] + said.stderr[-2000:]
    collected = {re.sub(r"\[.*", "", line) for line in said.stdout.splitlines()}
    assert named - collected == set()
