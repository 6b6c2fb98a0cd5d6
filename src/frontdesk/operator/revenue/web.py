"""The page of revenue."""

from fastapi import Request
from starlette.responses import Response

from frontdesk.operator.revenue import store
from frontdesk.operator.revenue.records import churn_rate, growth
from frontdesk.web import OPERATOR, ConsoleDb, Door, render

door = Door()

MONTHS = 12


@door.get("/operator/revenue", needs=OPERATOR)
async def index(request: Request, db: ConsoleDb) -> Response:
    """What came in each month of the last year, and what made it more or less."""
    months = await store.months(db, MONTHS + 1)
    shown, before, current = months[1:], months[-2], months[-1]
    return await render(
        request, "operator/revenue.html", months=shown, current=current, growth=growth(before, current), plans=await store.by_plan(db),
        standing=await store.now(db), churn=[(one, churn_rate(last, one)) for last, one in zip(months, shown, strict=False)], currency="EUR",
    )  # fmt: skip
