"""A small PDF, written by hand: one column of lines in Helvetica, as many pages as it takes.

PDF 1.4 (ISO 32000-1), the fourteen standard fonts, WinAnsi. What that alphabet cannot write becomes a question mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 595, 842  # A4 in points
LEFT, RIGHT, TOP, BOTTOM = 56, 539, 780, 64
WIDE, NARROW = 0.556, 0.278  # of the size; digits are all WIDE, which is what has to line up


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: a text at the left, another that ends at the right edge, a size in points."""

    left: str = ""
    right: str = ""
    size: int = 10
    bold: bool = False
    rule: bool = False


def write(rows: Sequence[Row], title: str) -> bytes:
    """The document as bytes."""
    pages = _paginated(rows)
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for n, page in enumerate(pages):
        box = f"/MediaBox [0 0 {WIDTH} {HEIGHT}] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} /Contents {6 + 2 * n} 0 R >>".encode())
        content = b"\n".join(page)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    objects.append(b"<< /Title (%s) /Producer (Frontdesk simulator) >>" % _escaped(title))
    return _assembled(objects)


def _paginated(rows: Sequence[Row]) -> list[list[bytes]]:
    pages: list[list[bytes]] = [[]]
    y = TOP
    for row in rows:
        step = row.size + 8
        if y - step < BOTTOM:
            pages.append([])
            y = TOP
        y -= step
        pages[-1] += _drawn(row, y)
    return pages


def _drawn(row: Row, y: int) -> list[bytes]:
    font = b"/F2" if row.bold else b"/F1"
    drawn = [b"0.8 w 0.8 G %d %d m %d %d l S" % (LEFT, y + row.size + 4, RIGHT, y + row.size + 4)] if row.rule else []
    room = RIGHT - LEFT - (_width(row.right, row.size) + 12 if row.right else 0)
    for text, x in ((_cut(row.left, row.size, room), float(LEFT)), (row.right, RIGHT - _width(row.right, row.size))):
        if text:
            drawn.append(b"BT %s %d Tf %.2f %d Td (%s) Tj ET" % (font, row.size, x, y, _escaped(text)))
    return drawn


def _width(text: str, size: int) -> float:
    return sum(NARROW if letter in " .,:;'|iIl!" else WIDE for letter in text) * size


def _cut(text: str, size: int, room: float) -> str:
    if _width(text, size) <= room:
        return text
    while text and _width(text + "...", size) > room:
        text = text[:-1]
    return text + "..."


def _escaped(text: str) -> bytes:
    plain = text.encode("cp1252", "replace")
    printable = bytes(letter if letter >= 32 else 32 for letter in plain)
    return printable.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _assembled(objects: Sequence[bytes]) -> bytes:
    """Objects one after another, then the table that says where each begins."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(objects), start)
    return bytes(out)
