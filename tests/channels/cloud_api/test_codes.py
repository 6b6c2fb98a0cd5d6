"""Every error code that Meta documents has an action."""

import pytest

from frontdesk.channels.cloud_api import rule

STOPS = [
    0, 3, 10, 33, 190, 200, 250, 299, 368, 460, 463, 467, 131005, 131031, 131037, 131042, 131044, 131045, 131064,
    133000, 133005, 133006, 133008, 133009, 133010, 133015, 133016,
]  # fmt: skip
FAILS = [
    100, 130472, 130497, 130501, 131008, 131009, 131020, 131021, 131026, 131030, 131041, 131047, 131049, 131050, 131051,
    131052, 131053, 131062, 131063, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068,
    134011, 135000, 137000, 139100, 139101, 139102, 139103, 2388019, 2388040, 2388047, 2388073, 2388293, 2388299,
]  # fmt: skip
RETRIES = [1, 2, 131000, 131016, 132069, 133004]
SLOWS = [4, 80007, 130429, 131048, 131057]


@pytest.mark.parametrize(
    ("code", "action"),
    [(code, "stop") for code in STOPS]
    + [(code, "fail") for code in FAILS]
    + [(code, "retry") for code in RETRIES]
    + [(code, "slow") for code in SLOWS]
    + [(131056, "pair")],
)
def test_each_documented_code_has_its_action(code: int, action: str) -> None:
    known = rule(code)
    assert known is not None
    assert known.action == action
    assert (known.wait or 0) > 0 if action in ("retry", "slow") else known.wait is None


def test_a_number_that_does_not_exist_stops_the_channel() -> None:
    wrong_number = rule(100, 33)
    assert wrong_number is not None
    assert wrong_number.action == "stop"


@pytest.mark.parametrize("code", [None, 5, 199, 300, 131999, 139104, -1])
def test_a_code_nobody_documents_has_no_action(code: int | None) -> None:
    assert rule(code) is None
