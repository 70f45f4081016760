-- Makes what an owner holds free again.
--
-- KEYS: free (set), assigned (owner -> member)
-- ARGV: owner
-- Returns the member, or false if it holds none.
local member = redis.call('HGET', KEYS[2], ARGV[1])
if member then
    redis.call('HDEL', KEYS[2], ARGV[1])
    redis.call('SADD', KEYS[1], member)
end
return member
