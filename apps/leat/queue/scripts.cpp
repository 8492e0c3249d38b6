#include "queue/scripts.hpp"

namespace tool::queue_scripts {

namespace {
constexpr std::string_view functions = R"(
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
-- Before anything is written: a key of another type is refused by this. And nothing waits in a stream that somebody has removed or emptied, whatever `open`
-- says: what was in it must not be kept out for ever.
local function check_open()
    if redis.call('XLEN', KEYS[1]) == 0 then redis.call('DEL', KEYS[4]) end
end
)";
}  // namespace

// An item that waits or is being fetched is in `open`, and is not added a second time. One that was added before keeps its name.
const script add{"add", functions, R"(
check_open()
local added = 0
-- No file system takes a longer one.
local function numbered(wished, number)
    local suffix = '.' .. number
    local over = #string.match(wished, '[^/]*$') + #suffix - 255
    if over > 0 then wished = string.sub(wished, 1, #wished - over) end
    return wished .. suffix
end
for i = 1, #ARGV, 3 do
    local key, wished, item = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local name = redis.call('HGET', KEYS[3], key)
    if not name then
        name = wished
        while redis.call('HSETNX', KEYS[2], name, key) == 0 do
            name = numbered(wished, redis.call('HINCRBY', KEYS[5], wished, 1))
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

const script fail{"fail", functions, R"(
local group, consumer, id, reason = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local pending = redis.pcall('XPENDING', KEYS[1], group, id, id, 1)
-- Without the group, which somebody has removed, everything is delivered once more.
if pending.err and string.find(pending.err, 'NOGROUP', 1, true) then return 0 end
if pending.err then return pending end
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
redis.call('XCLAIM', KEYS[1], group, 'handed-back/' .. consumer, 0, id, 'IDLE', 0, 'RETRYCOUNT', deliveries, 'JUSTID')
return 1
)"};

// XAUTOCLAIM does not say how often an entry was delivered, so this looks first and claims what has not been delivered too often.
const script claim{"claim", functions, R"(
local group, consumer, idle, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local taken = {}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, pending in ipairs(redis.call('XPENDING', KEYS[1], group, 'IDLE', idle, '-', '+', ARGV[4])) do
    local id, owner, deliveries = pending[1], pending[2], pending[4]
    local found = redis.call('XRANGE', KEYS[1], id, id)
    if #found == 0 then
        redis.call('XACK', KEYS[1], group, id)
    elseif owner ~= consumer and deliveries >= most then
        local reason = redis.call('HGET', KEYS[8], id)
        if not reason then reason = 'given up after ' .. deliveries .. ' deliveries: no worker has said how it ended' end
        dead_letter(group, id, found[1][2], reason, (string.gsub(owner, '^handed%-back/', '')), deliveries)
    else
        -- Its own it has, or the reply was lost that brought it: that is no further delivery.
        if owner ~= consumer then deliveries = deliveries + 1 end
        redis.call('XCLAIM', KEYS[1], group, consumer, idle, id, 'RETRYCOUNT', deliveries, 'JUSTID')
        taken[#taken + 1] = {id, found[1][2], deliveries, owner, now - string.match(id, '^%d+')}
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

// An entry cannot be claimed for nobody, and a consumer that is removed takes its entries along. So they go to a consumer that is no worker, whose name says
// who had them, idle for so long that the next one who looks takes them; and this delivery does not count, since nothing was wrong with it.
const script leave{"leave", {}, R"(
local group, consumer = ARGV[1], ARGV[2]
local handed = 0
while true do
    local mine = redis.call('XPENDING', KEYS[1], group, '-', '+', 500, consumer)
    if #mine == 0 then break end
    for _, pending in ipairs(mine) do
        redis.call('XCLAIM', KEYS[1], group, 'handed-back/' .. consumer, 0, pending[1], 'IDLE', ARGV[3], 'RETRYCOUNT', math.max(pending[4] - 1, 0), 'JUSTID')
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
    if of.pending == 0 and (of.idle > 3600000 or string.sub(of.name, 1, 12) == 'handed-back/') then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, of.name) end
end
return handed
)"};

const script retry{"retry", functions, R"(
check_open()
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
