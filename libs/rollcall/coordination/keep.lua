-- Keeps a value that was loaded, unless it was invalidated since the load began.
--
-- KEYS: value, generation
-- ARGV: generation when the load began, value, ms to keep it
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
