-- Marks ids. A generation that is full or old becomes the older one, and that one is forgotten.
--
-- KEYS: newer, older (hashes: id -> note)
-- ARGV: most ids of a generation, ms after which it is old, bytes of a note, ids of 16 bytes and their notes by turns
local PAGE = 1000
local full = redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if full or (left >= 0 and left < tonumber(ARGV[2])) then
    redis.call('UNLINK', KEYS[2])
    redis.call('RENAME', KEYS[1], KEYS[2])
end
local note_bytes, packed = tonumber(ARGV[3]), ARGV[4]
local each = 16 + note_bytes
local words = {}
for at = 1, #packed, each do
    words[#words + 1] = string.sub(packed, at, at + 15)
    words[#words + 1] = string.sub(packed, at + 16, at + each - 1)
    if #words == PAGE * 2 or at + each > #packed then
        redis.call('HSET', KEYS[1], unpack(words))
        words = {}
    end
end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2] * 2) end
return 1
