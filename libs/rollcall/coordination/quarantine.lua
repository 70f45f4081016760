-- Sets a damaged state aside with its bytes, and goes back to the one before if that is wanted.
--
-- KEYS: state, quarantine
-- ARGV: version, sha1 of the damaged body, reason, ms to keep the quarantine, 1 = the one before is good
-- Returns {1, version now} (0 = there is no state now) · {0}: the state is another by now
local found = redis.call('HMGET', KEYS[1], 'version', 'body', 'digest', 'good_body', 'good_digest')
if found[1] ~= ARGV[1] or redis.sha1hex(found[2] or '') ~= ARGV[2] then return {0} end
redis.call('HSET', KEYS[2], 'version', found[1], 'body', found[2] or '', 'digest', found[3] or '', 'reason', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
if ARGV[5] == '1' and found[4] then
    redis.call('HSET', KEYS[1], 'version', found[1] + 1, 'body', found[4], 'digest', found[5])
    redis.call('HDEL', KEYS[1], 'good_body', 'good_digest', 'save')
    return {1, found[1] + 1}
end
redis.call('DEL', KEYS[1])
return {1, 0}
