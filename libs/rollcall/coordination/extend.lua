-- Starts the lease anew if this token holds the lock.
--
-- KEYS: lock
-- ARGV: token, lease ms
-- Returns 1, or 0 if it does not hold it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
