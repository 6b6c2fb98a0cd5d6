-- Every message writes its conversation's row anew. Half a page left free takes the new versions of all its rows, and no index is touched; with a
-- fifth, a batch of neighbours moved more than half of them to other pages, with an entry in each index.
alter table public.conversations set (fillfactor = 50);
