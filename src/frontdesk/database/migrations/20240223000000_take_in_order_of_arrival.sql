-- What waits in one part of all lanes, in order of arrival: while it is no more than one batch takes, it is taken without asking lane by lane.

create index inbound_deliveries_by_arrival on public.inbound_deliveries (part, id);
