-- Marks ids. A generation that is full or old becomes the older one, and that one is forgotten.
--
-- KEYS: newer, older (hashes: id -> note)
-- ARGV: most ids of a generation, ms after which it is old, id, note, id, note, ..
local PAGE = 1000
local full = redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if full or (left >= 0 and left < tonumber(ARGV[2])) then
    redis.call('UNLINK', KEYS[2])
    redis.call('RENAME', KEYS[1], KEYS[2])
end
for first = 3, #ARGV, PAGE do
    redis.call('HSET', KEYS[1], unpack(ARGV, first, math.min(first + PAGE - 1, #ARGV)))
end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2) end
return 1
