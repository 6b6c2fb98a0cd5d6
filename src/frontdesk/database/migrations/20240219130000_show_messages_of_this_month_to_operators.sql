-- The console's list shows the messages of each organization's running month: what was sent in the one before is no news.
grant execute on function private.period_start(date, date) to frontdesk_operator;
