-- Starts the lease anew if this token holds the lock. Never cuts it short: its holder counts on what was confirmed,
-- and requests arrive in any order. A lock that was made to last for ever has a lease again.
--
-- KEYS: lock
-- ARGV: token, lease ms
-- Returns 1, or 0 if it does not hold it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
