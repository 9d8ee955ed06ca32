-- What each key has used of its minute, counted together by all processes that serve the API.
-- Not logged: a crash forgets a minute, and no request waits for the disk. No foreign key: its
-- check would write to the logged table with every request.

create unlogged table api_request_count (
  key_id uuid primary key,
  minute timestamptz(3) not null,
  -- Requests counted in that minute; those over the limit may be among them.
  used integer not null
) with (fillfactor = 50); -- room beside each row, so that no count touches the index
