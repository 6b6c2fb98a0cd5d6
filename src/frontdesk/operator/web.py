"""Every door of the console."""

from frontdesk.operator.deliveries import web as deliveries
from frontdesk.operator.events import web as events
from frontdesk.operator.exports import web as exports
from frontdesk.operator.incidents import web as incidents
from frontdesk.operator.lanes import web as lanes
from frontdesk.operator.log import web as log
from frontdesk.operator.organizations import web as organizations
from frontdesk.operator.plans import web as plans
from frontdesk.operator.purchases import web as purchases
from frontdesk.operator.revenue import web as revenue
from frontdesk.operator.terms import web as terms
from frontdesk.operator.users import web as users
from frontdesk.operator.viewing import web as viewing
from frontdesk.web import Door

door = Door()
for one in (organizations, viewing, terms, purchases, users, plans, revenue, events, deliveries, lanes, incidents, log, exports):
    door.router.include_router(one.door.router)
