"""The stranger's first minute, from an empty folder to the answer on the phone."""

from pathlib import Path

from tests.product import eventually, installed, open_shop


async def test_a_stranger_registers_gets_a_number_writes_hi_and_is_answered(pg_bin_dir: Path | None) -> None:
    with installed(**({"PG_BIN_DIR": str(pg_bin_dir)} if pg_bin_dir else {})) as product:
        product.start()
        product.wait_until_healthy()
        async with open_shop(product, "Meine Firma GmbH") as shop:
            assert f'data-phone-number-id="{shop.phone_number_id}"' in (await shop.visitor.client.get("/simulator/")).text
            await shop.hears("hi", name="Lena")
            (answer,) = await eventually(shop.phone, "an answer on the phone")
            assert answer["text"] == "Thanks for writing to Meine Firma GmbH. We will answer as soon as we can."
            thread = await shop.page(await shop.conversation("Lena"))
            assert "Thanks for writing to Meine Firma GmbH." in thread and '<p dir="auto">hi</p>' in thread
