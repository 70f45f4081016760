-- Saves a state if it is at the version that the writer has read, and if the writer holds its lock.
-- The state before it is kept: the last good step, should this one turn out to be damaged.
--
-- KEYS: state [, lock]
-- ARGV: version read (0 = there was none), body, digest of the body, ms to keep it, token of the lock ('' = none),
--       id of this save
-- Returns {1, new version} · {0, version found}: conflict · {-1}: the lock is not held
if ARGV[5] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[5] then return {-1} end
local found = redis.call('HMGET', KEYS[1], 'version', 'body', 'digest', 'save')
local version = tonumber(found[1] or '0')
if found[4] == ARGV[6] then return {1, version} end -- asked again because the answer got lost
if version ~= tonumber(ARGV[1]) then return {0, version} end
if found[2] then
    redis.call('HSET', KEYS[1], 'good_body', found[2], 'good_digest', found[3])
end
redis.call('HSET', KEYS[1], 'version', version + 1, 'body', ARGV[2], 'digest', ARGV[3], 'save', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1, version + 1}
