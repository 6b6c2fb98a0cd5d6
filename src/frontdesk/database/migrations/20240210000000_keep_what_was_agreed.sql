-- What is agreed for the time after a period costs what it cost when it was agreed, whatever is sold since.
alter table public.subscriptions add column scheduled_amount bigint check (scheduled_amount >= 0);
