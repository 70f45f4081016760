-- Takes a lock that is free or handed over to this token; otherwise joins its queue, or asks again as a sign of life.
-- Asking twice with one token is harmless, so an answer that got lost may be asked for again.
--
-- KEYS: lock, queue (token by ticket), waiting (token -> what is known of the waiter), fence, void
-- ARGV: token, lease ms, channel that wakes the waiter ('' = do not wait), the epoch that a resource has refused
--       (0 = none) [, the life that an epoch was drawn for, the epoch]
-- Returns one line, for a client takes three times as long to read a list of three:
--       1 epoch count: held · 0 <ms until the lock expires> <others before this one>: not held
--       · -1 life <epoch before>: draw an epoch for this life first · -2: this token was given up
local lock, queue, waiting, fence, void = unpack(KEYS)
local token, lease_ms, channel, refused, drawn_for, drawn = unpack(ARGV)
local CLAIM_MS, DEAD_MS = 3000, 7000 -- as in release.lua
local LARGEST_COUNT = 4294967295

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The first in the queue who has given a sign of life; the dead before it are forgotten.
local function first_alive()
    while true do
        local first = redis.call('ZRANGE', queue, 0, 0)[1]
        if not first then return nil end
        local known = redis.call('HGET', waiting, first)
        if known and first == token then return first end
        if known and now_ms() - tonumber(string.match(known, '^%d+')) <= DEAD_MS then
            return first, string.match(known, ' (.*)$')
        end
        redis.call('ZREM', queue, first)
        redis.call('HDEL', waiting, first)
    end
end

local function forget(who)
    redis.call('ZREM', queue, who)
    redis.call('HDEL', waiting, who)
end

-- The replication id is new after each restart and promotion, so no two masters have the same. Where it or the
-- hash is not what it was, numbers may have been lost: a new life of the data begins, with an epoch of its own,
-- drawn after it began.
local function number()
    local id = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
    local known = redis.call('HMGET', fence, 'id', 'life', 'epoch', 'count')
    local epoch = tonumber(known[3] or '0')
    local same = known[1] == id
    if same and known[3] and epoch > tonumber(refused) and tonumber(known[4]) < LARGEST_COUNT then
        return epoch, redis.call('HINCRBY', fence, 'count', 1)
    end
    local waits = same and not known[3]
    if waits and known[2] == drawn_for then
        redis.call('HSET', fence, 'epoch', drawn, 'count', 1)
        redis.call('HDEL', fence, 'before')
        return tonumber(drawn), 1
    end
    if waits then
        return nil, known[2], tonumber(redis.call('HGET', fence, 'before'))
    end
    local before = math.max(epoch, tonumber(redis.call('HGET', fence, 'before') or '0'), tonumber(refused))
    redis.call('DEL', fence)
    redis.call('HSET', fence, 'id', id, 'life', token, 'before', before)
    return nil, token, before
end

local function take()
    local epoch, count_or_life, before = number()
    if not epoch then return {-1, count_or_life, before} end
    redis.call('SET', lock, token, 'PX', lease_ms)
    return {1, epoch, count_or_life}
end

local function wait()
    if not redis.call('ZSCORE', queue, token) then
        redis.call('ZADD', queue, redis.call('HINCRBY', waiting, '#', 1), token)
    end
    redis.call('HSET', waiting, token, now_ms() .. ' ' .. channel)
    redis.call('PEXPIRE', queue, DEAD_MS * 2)
    redis.call('PEXPIRE', waiting, DEAD_MS * 2)
    return redis.call('ZRANK', queue, token)
end

local function decide()
    local found = redis.call('MGET', lock, void)
    if found[2] then return {-2} end
    local holder = found[1]
    if holder == token then return take() end
    if not holder then
        local first, wakes = first_alive()
        if not first then return take() end
        if first == token then
            local answer = take()
            if answer[1] == 1 then forget(token) end
            return answer
        end
        forget(first)
        redis.call('SET', lock, first, 'PX', CLAIM_MS)
        redis.call('PUBLISH', wakes, first)
    end
    local before = 0
    if channel ~= '' then before = wait() end
    return {0, redis.call('PTTL', lock), before}
end

return redis.status_reply(table.concat(decide(), ' '))
