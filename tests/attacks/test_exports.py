"""Files that are taken along: whose rows are in them, and what their names do to a header."""

import zipfile
from io import BytesIO

from tests.attacks.street import Street
from tests.test_strangers import SECRET


async def test_an_archive_that_names_the_neighbour_holds_ones_own_and_nothing_of_his(street: Street) -> None:
    fields = {"organization": str(street.shop_id), "tables": "contacts", "archive_id": str(street.shop_id)}
    answer = await street.send(street.olga, f"/dashboard/settings/archive?organization_id={street.shop_id}", fields)
    assert answer.status_code == 200
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        everything = "".join(archive.read(name).decode() for name in archive.namelist())
    assert str(street.olgas_id) in everything
    named = {one for word, one in street.of_maya.items() if word != "phone_number_id"}
    assert [said for said in (SECRET, str(street.shop_id), *named) if said in everything] == []


async def test_what_an_organization_calls_itself_breaks_no_header_of_its_files(street: Street) -> None:
    await street.owner.execute("update organizations set name = %s where id = %s", ('x"; filename="../../etc\r\nSet-Cookie: a=b\r\n\r\n<b>', street.olgas_id))
    for path in ("/dashboard/settings/archive", "/dashboard/audit/export"):
        answer = await street.send(street.olga, path, {"format": "csv"})
        assert answer.status_code == 200 and "set-cookie" not in answer.headers, path
        said = answer.headers["content-disposition"]
        assert said.count('"') == 2 and ".." not in said and "etc" not in said, said
