#include "queue/scripts.hpp"

namespace tool::queue_scripts {

// An item that waits or is being fetched is in `open`, and is not added a second time. One that was added before keeps its name.
const script add{"add", {}, R"(
local added = 0
for i = 1, #ARGV, 3 do
    local key, wished, item = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local name = redis.call('HGET', KEYS[3], key)
    if not name then
        name = wished
        while redis.call('HSETNX', KEYS[2], name, key) == 0 do
            name = wished .. '.' .. redis.call('HINCRBY', KEYS[5], wished, 1)
        end
        redis.call('HSET', KEYS[3], key, name)
    end
    if redis.call('SADD', KEYS[4], key) == 1 then
        redis.call('XADD', KEYS[1], '*', 'key', key, 'name', name, 'item', item)
        added = added + 1
    end
end
return added
)"};

// The record and the acknowledgement are one step: there is no instant at which a finished file looks unfinished. Whoever it belongs to now: it is there.
const script finish{"finish", {}, R"(
local group, id, key = ARGV[1], ARGV[2], ARGV[3]
redis.call('HSET', KEYS[6], key, '{"time":' .. redis.call('TIME')[1] .. ',' .. ARGV[4])
redis.call('HDEL', KEYS[8], id)
redis.call('XACK', KEYS[1], group, id)
if redis.call('XDEL', KEYS[1], id) == 1 then redis.call('SREM', KEYS[4], key) end
return redis.call('XLEN', KEYS[1])
)"};

namespace {
constexpr std::string_view dead_letter = R"(
local function value_of(fields, name)
    for i = 1, #fields, 2 do if fields[i] == name then return fields[i + 1] end end
    return ''
end
local function dead_letter(group, id, fields, reason, worker, deliveries)
    local key = value_of(fields, 'key')
    redis.call('XADD', KEYS[7], '*', 'key', key, 'name', value_of(fields, 'name'), 'item', value_of(fields, 'item'),
               'reason', reason, 'worker', worker, 'deliveries', deliveries)
    redis.call('HDEL', KEYS[8], id)
    redis.call('XACK', KEYS[1], group, id)
    redis.call('XDEL', KEYS[1], id)
    redis.call('SREM', KEYS[4], key)
end
)";
}  // namespace

const script fail{"fail", dead_letter, R"(
local group, consumer, id, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local pending = redis.call('XPENDING', KEYS[1], group, id, id, 1)
if #pending == 0 or pending[1][2] ~= consumer then return 0 end
local found = redis.call('XRANGE', KEYS[1], id, id)
if #found == 0 then
    redis.call('XACK', KEYS[1], group, id)
    return 0
end
local deliveries = pending[1][4]
if ARGV[5] == '1' or deliveries >= tonumber(ARGV[6]) then
    dead_letter(group, id, found[1][2], reason, consumer, deliveries)
    return 2
end
redis.call('HSET', KEYS[8], id, reason)
redis.call('XCLAIM', KEYS[1], group, 'handed-back', 0, id, 'IDLE', 0, 'RETRYCOUNT', deliveries, 'JUSTID')
return 1
)"};

// XAUTOCLAIM does not say how often an entry was delivered, so this looks first and claims what has not been delivered too often.
const script claim{"claim", dead_letter, R"(
local group, consumer, idle, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local taken = {}
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', ARGV[4])) do
    local id, owner, deliveries = pending[1], pending[2], pending[4]
    local found = redis.call('XRANGE', KEYS[1], id, id)
    if #found == 0 then
        redis.call('XACK', KEYS[1], group, id)
    elseif deliveries >= most then
        local reason = redis.call('HGET', KEYS[8], id)
        if not reason then reason = 'given up after ' .. deliveries .. ' deliveries: no worker has said how it ended' end
        dead_letter(group, id, found[1][2], reason, owner, deliveries)
    else
        redis.call('XCLAIM', KEYS[1], group, consumer, idle, id, 'RETRYCOUNT', deliveries + 1, 'JUSTID')
        taken[#taken + 1] = {id, found[1][2], deliveries + 1}
    end
end
return taken
)"};

const script keep{"keep", {}, R"(
local lost = {}
for i = 3, #ARGV do
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
    if #pending == 1 and pending[1][2] == ARGV[2] then
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i], 'JUSTID')
    else
        lost[#lost + 1] = ARGV[i]
    end
end
return lost
)"};

// An entry cannot be claimed for nobody, and a consumer that is removed takes its entries along. So they go to a consumer that is no worker, idle for so
// long that the next one who looks takes them; and this delivery does not count, since nothing was wrong with it.
const script leave{"leave", {}, R"(
local group, consumer = ARGV[1], ARGV[2]
local handed = 0
while true do
    local mine = redis.call('XPENDING', KEYS[1], group, '-', '+', 500, consumer)
    if #mine == 0 then break end
    for _, pending in ipairs(mine) do
        redis.call('XCLAIM', KEYS[1], group, 'handed-back', 0, pending[1], 'IDLE', ARGV[3], 'RETRYCOUNT', math.max(pending[4] - 1, 0), 'JUSTID')
        -- XCLAIM does not take what is no longer in the stream; that must not go round for ever.
        if #redis.call('XRANGE', KEYS[1], pending[1], pending[1]) == 0 then redis.call('XACK', KEYS[1], group, pending[1]) end
        handed = handed + 1
    end
end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, consumer)
-- And those who died long ago, and whose entries others have: nothing is lost with them.
for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
    local of = {}
    for i = 1, #fields, 2 do of[fields[i]] = fields[i + 1] end
    if of.pending == 0 and of.idle > 3600000 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, of.name) end
end
return handed
)"};

const script retry{"retry", dead_letter, R"(
local found = redis.call('XRANGE', KEYS[7], '-', ARGV[1], 'COUNT', ARGV[2])
local back = 0
for _, letter in ipairs(found) do
    local fields = letter[2]
    local key = value_of(fields, 'key')
    if redis.call('SADD', KEYS[4], key) == 1 then
        redis.call('XADD', KEYS[1], '*', 'key', key, 'name', value_of(fields, 'name'), 'item', value_of(fields, 'item'))
        back = back + 1
    end
    redis.call('XDEL', KEYS[7], letter[1])
end
return {#found, back}
)"};

}  // namespace tool::queue_scripts
