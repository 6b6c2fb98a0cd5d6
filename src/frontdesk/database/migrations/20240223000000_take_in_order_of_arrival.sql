-- What waits in one part of all lanes, in order of arrival: while it is no more than one batch takes, it is taken without asking lane by lane.

-- Every row is in it. The condition, which only that statement repeats, keeps it out of all other plans: made while nothing waits, where any index
-- is as good as another, they would go through all of it for each lane as soon as thousands do.
create index inbound_deliveries_by_arrival on public.inbound_deliveries (part, id) where events > 0;
