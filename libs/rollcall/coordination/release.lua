-- Gives a lock back, or a place in its queue, and hands the lock over to the first waiter who is alive.
--
-- KEYS: lock, queue, waiting, void
-- ARGV: token [, ms for which an acquisition with this token that is still on its way is void]
-- Returns 1 if the token held the lock.
local lock, queue, waiting, void = unpack(KEYS)
local token, void_ms = unpack(ARGV)
-- A waiter that does not take what it was handed in time has lost its turn; one that was silent for longer is
-- passed over. As in acquire.lua.
local CLAIM_MS, DEAD_MS = 3000, 7000

local function forget(who)
    redis.call('ZREM', queue, who)
    redis.call('HDEL', waiting, who)
end

if void_ms then
    redis.call('SET', void, '', 'PX', void_ms)
    forget(token)
end
if redis.call('GET', lock) ~= token then return 0 end
redis.call('DEL', lock)
while true do
    local first = redis.call('ZRANGE', queue, 0, 0)[1]
    if not first then return 1 end
    local known = redis.call('HGET', waiting, first)
    forget(first)
    if known then
        local time = redis.call('TIME')
        local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
        if now_ms - tonumber(string.match(known, '^%d+')) <= DEAD_MS then
            redis.call('SET', lock, first, 'PX', CLAIM_MS)
            redis.call('PUBLISH', string.match(known, ' (.*)$'), first)
            return 1
        end
    end
end
