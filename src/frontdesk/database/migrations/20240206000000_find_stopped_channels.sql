-- Numbers that rest are few, and are found without looking at all others: on the operator's pages of lanes and incidents.
create index channels_stopped on public.channels (stopped_at) where stopped_at is not null;
