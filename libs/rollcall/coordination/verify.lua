-- KEYS: lock
-- ARGV: token
-- Returns the ms left of the lease, or -1 if this token does not hold the lock.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
return redis.call('PTTL', KEYS[1])
