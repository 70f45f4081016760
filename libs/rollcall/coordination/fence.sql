-- name: draw
-- A new epoch, above all that were drawn and above $1, the newest that Redis knows: a database that was
-- restored to an earlier point does not draw one twice.
INSERT INTO fence_epoch AS newest (epoch) VALUES ($1 + 1)
ON CONFLICT (only_row) DO UPDATE SET epoch = greatest(newest.epoch, $1) + 1
RETURNING epoch

-- name: claim
-- No row: a newer holder has written. The row stays locked until the end of the transaction.
INSERT INTO fence AS kept (resource, number) VALUES ($1, $2)
ON CONFLICT (resource) DO UPDATE SET number = excluded.number, moved_at = now()
WHERE kept.number <= excluded.number
RETURNING number
