-- Adds members to a pool, but for those that are assigned.
--
-- KEYS: free (set), assigned (owner -> member)
-- ARGV: members
-- Returns how many are new.
local assigned, new = {}, 0
for _, member in ipairs(redis.call('HVALS', KEYS[2])) do assigned[member] = true end
for _, member in ipairs(ARGV) do
    if not assigned[member] then new = new + redis.call('SADD', KEYS[1], member) end
end
return new
