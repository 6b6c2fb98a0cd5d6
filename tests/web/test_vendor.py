"""What is vendored is what it says it is."""

import hashlib
import re
from pathlib import Path

import pytest

from frontdesk.web.assets import STATIC

ROOT = Path(__file__).parents[1]
LISTS = (STATIC / "vendor" / "VENDOR.md", ROOT / "vendor" / "VENDOR.md")
ROW = re.compile(r"^\| (\S+) \| (npm \S+ \d[^|]*) \| ([^|]+), (\S+) \| ([0-9a-f]{64}) \|$", re.MULTILINE)


@pytest.mark.parametrize("listed", LISTS, ids=["product", "tests"])
def test_every_vendored_file_has_its_version_licence_and_hash(listed: Path) -> None:
    rows = {name: (licence, digest) for name, _, _, licence, digest in ROW.findall(listed.read_text())}
    files = {file.name for file in listed.parent.iterdir() if file.suffix in (".js", ".css", ".woff2")}
    assert rows.keys() == files
    for name, (licence, digest) in rows.items():
        assert hashlib.sha256((listed.parent / name).read_bytes()).hexdigest() == digest, name
        assert (listed.parent / licence).stat().st_size > 400
