-- Counts one attempt and starts the time to forget anew, or tells that there have been as many as there may be.
--
-- KEYS: counter
-- ARGV: most attempts, ms until it is forgotten
-- Returns the number of this attempt, or minus the number of attempts made if no more are allowed.
local made = tonumber(redis.call('GET', KEYS[1]) or '0')
if made >= tonumber(ARGV[1]) then return -made end
redis.call('INCR', KEYS[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return made + 1
