-- Looking for lanes that wait is a probe of the index for each. Where autovacuum had looked at the table in a moment in which it had pages and no rows,
-- every plan expected one row and gathered and sorted all that waits for each lane: a look at a thousand lanes took a second of processor time.
alter function private.waiting_inbound(uuid, uuid, integer) set enable_seqscan = off;
alter function private.waiting_inbound(uuid, uuid, integer) set enable_sort = off;
alter function private.waiting_outbound(uuid, uuid, integer) set enable_seqscan = off;
alter function private.waiting_outbound(uuid, uuid, integer) set enable_sort = off;
