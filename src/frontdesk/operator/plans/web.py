"""The pages of plans and prices."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from starlette.responses import Response

from frontdesk.database import Console
from frontdesk.errors import BadInput
from frontdesk.operator.plans import actions, store
from frontdesk.operator.plans.records import FREE, INTERVALS, Plan, count, minor
from frontdesk.web import OPERATOR, ConsoleDb, Door, Form, go, render, typed

door = Door()

LIST = "/operator/plans"
ONE = LIST + "/{plan_id}"


@door.get(LIST, needs=OPERATOR)
async def index(request: Request, db: ConsoleDb) -> Response:
    """Every plan beside the others."""
    return await _list(request, db, Form())


@door.post(LIST, needs=OPERATOR, fresh=True)
async def make(request: Request, db: ConsoleDb) -> Response:
    """A new plan, to be filled in."""
    form: Form[Any] = Form(values=await typed(request))
    try:
        await actions.make(db, str(form.value("plan_id")).strip(), str(form.value("name")))
    except BadInput as error:
        form.refuse(error)
        return await _list(request, db, form, 422)
    return go(request, f"{LIST}/{str(form.value('plan_id')).strip()}", "The plan is made. Give it limits and a price.")


@door.get(ONE, needs=OPERATOR)
async def show(request: Request, db: ConsoleDb, plan_id: str) -> Response:
    """One plan, to be changed."""
    plan = await actions.find(db, plan_id)
    return await _page(request, db, plan, Form.of(_written(plan)))


@door.post(ONE, needs=OPERATOR, fresh=True)
async def change(request: Request, db: ConsoleDb, plan_id: str) -> Response:
    """Save it."""
    plan, form = await actions.find(db, plan_id), Form[Any](values=await typed(request))
    offer = await _offer(db, plan, form)
    try:
        if not form.errors:
            priced = await actions.change(db, plan_id, offer)
            notice = "The plan is saved. Run `frontdesk billing sync --apply`: until then its new price is not sold." if priced else "The plan is saved."
            return go(request, LIST, notice)
    except BadInput as error:
        form.refuse(error)
    return await _page(request, db, plan, form, 422)


@door.post(ONE + "/retirement", needs=OPERATOR, fresh=True)
async def retire(request: Request, db: ConsoleDb, plan_id: str) -> Response:
    """Sell it no more."""
    await actions.retire(db, plan_id, True)
    return go(request, LIST, "It is not sold any more. Whoever has it keeps it.")


@door.post(ONE + "/retirement/removal", needs=OPERATOR, fresh=True)
async def restore(request: Request, db: ConsoleDb, plan_id: str) -> Response:
    """Sell it again."""
    await actions.retire(db, plan_id, False)
    return go(request, LIST, "It is sold again.")


async def _list(request: Request, db: Console, form: Form[Any], status_code: int = 200) -> Response:
    return await render(
        request, "operator/plans/index.html", status_code=status_code, plans=await store.plans(db), metrics=await store.metrics(db), form=form, free=FREE
    )


async def _page(request: Request, db: Console, plan: Plan, form: Form[Any], status_code: int = 200) -> Response:
    return await render(
        request, "operator/plans/show.html", status_code=status_code, plan=plan, form=form, metrics=await store.metrics(db),
        features=await _features(db), intervals=INTERVALS, free=FREE,
    )  # fmt: skip


async def _features(db: Console) -> list[str]:
    """Every feature that any plan speaks of."""
    return sorted({name for plan in await store.plans(db) for name in plan.features})


def _written(plan: Plan) -> dict[str, Any]:
    """A plan as its form shows it."""
    said: dict[str, Any] = {"name": plan.name, "description": plan.description}
    said |= {f"limit_{name}": "" if value is None else str(value) for name, value in plan.limits.items()}
    said |= {f"feature_{name}": "on" for name, value in plan.features.items() if value}
    said |= {f"overage_{name}": f"{value / 100:.2f}" for name, value in plan.overage.items()}
    return said | {f"price_{name}": f"{amount / 100:.2f}" for name, amount in plan.prices.items()}


async def _offer(db: Console, plan: Plan, form: Form[Any]) -> actions.Offer:
    """What the form says; what cannot be read stands beside its field."""
    metrics = await store.metrics(db)

    def read(name: str, how: Callable[[str], int | None], complaint: str) -> int | None:
        try:
            return how(str(form.value(name)))
        except ValueError:
            form.errors[name] = complaint
            return None

    overage = {name: read(f"overage_{name}", minor, "Write an amount such as 4.50, or nothing.") for name in _names(metrics, "period")}
    return actions.Offer(
        str(form.value("name")), str(form.value("description")),
        {name: read(f"limit_{name}", count, "Write a whole number, or nothing for no limit.") for name in _names(metrics, "period", "level")},
        {name: bool(form.value(f"feature_{name}")) for name in await _features(db)},
        {name: amount for name, amount in overage.items() if amount is not None},
        {one: read(f"price_{one}", minor, "Write an amount such as 29 or 29.50, or nothing if it is not sold so.") for one in INTERVALS if plan.id != FREE},
    )  # fmt: skip


def _names(metrics: list[dict[str, Any]], *kinds: str) -> list[str]:
    return [one["metric"] for one in metrics if one["kind"] in kinds]
