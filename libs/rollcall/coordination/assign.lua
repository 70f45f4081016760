-- Gives an owner one member of a pool, the same each time it asks.
--
-- KEYS: free (set), assigned (owner -> member)
-- ARGV: owner
-- Returns the member, or false if none is free.
local held = redis.call('HGET', KEYS[2], ARGV[1])
if held then return held end
local member = redis.call('SPOP', KEYS[1])
if member then redis.call('HSET', KEYS[2], ARGV[1], member) end
return member
