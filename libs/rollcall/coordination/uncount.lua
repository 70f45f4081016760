-- Takes an attempt back that was neither a success nor a failure.
--
-- KEYS: counter
local made = tonumber(redis.call('GET', KEYS[1]) or '0')
if made > 1 then return redis.call('DECR', KEYS[1]) end
redis.call('DEL', KEYS[1])
return 0
