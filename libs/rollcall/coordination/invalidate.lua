-- Forgets a value, and has whoever loads it now not keep it.
--
-- KEYS: value, generation
-- ARGV: ms for which a load may be under way
redis.call('DEL', KEYS[1])
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], math.max(ARGV[1] * 2, 60000))
return 1
