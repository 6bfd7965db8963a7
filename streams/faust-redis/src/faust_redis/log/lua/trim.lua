-- Trim partitions of a topic below what its retention and every reader still needs; never its last record.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix, ARGV[2] topic, ARGV[3] how many records one partition may lose in this call, then partitions
-- Returns the number of records removed.
local prefix, topic, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local retention = tonumber(redis.call('HGET', prefix .. 'topic:' .. topic, 'retention_ms') or '0')
if retention == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

-- How much of the retention passes between two marks: records stay at most a sixteenth longer than asked for.
local step = retention / 16

-- Offsets carry no time. Marks `ms:offset` say where the log ended when; the newest that is old enough is the cut, and
-- stays at the head of the list until the next one is.
local function expired(partition, highwater)
  local marks = prefix .. 'marks:' .. topic .. ':' .. partition
  local function mark(i)
    local ms, offset = string.match(redis.call('LINDEX', marks, i) or '', '^(%d+):(%d+)$')
    return tonumber(ms), tonumber(offset)
  end
  local newest = mark(-1)
  if not newest or newest + step <= now then redis.call('RPUSH', marks, string.format('%d:%d', now, highwater)) end
  while true do
    local second = mark(1)
    if not second or second + retention > now then break end
    redis.call('LPOP', marks)
  end
  local ms, offset = mark(0)
  return ms + retention <= now and offset or 0
end

local function lowest(floor, offset)
  if offset and tonumber(offset) < floor then return tonumber(offset) end
  return floor
end

local groups = redis.call('SMEMBERS', prefix .. 'groups')
local readers = {}
local leases = prefix .. 'readers:' .. topic
local found = redis.call('HGETALL', leases)
for i = 1, #found, 2 do
  local reader = cjson.decode(found[i + 1])
  if reader.until_ms < now then redis.call('HDEL', leases, found[i]) else readers[#readers + 1] = reader.offsets end
end

local removed = 0
for i = 4, #ARGV do
  local partition = ARGV[i]
  local highwater = tonumber(redis.call('HGET', prefix .. 'ends:' .. topic, partition) or '0')
  if highwater > 0 then
    local floor = math.min(expired(partition, highwater), highwater - 1)
    for _, group in ipairs(groups) do
      floor = lowest(floor, redis.call('HGET', prefix .. 'group:' .. group .. ':offsets', topic .. ':' .. partition))
    end
    for _, offsets in ipairs(readers) do floor = lowest(floor, offsets[partition]) end
    -- Whole nodes of the stream only: cheap, and what stays below the floor goes next time.
    local id = '0-' .. string.format('%d', floor + 1)
    removed = removed + redis.call('XTRIM', prefix .. 'log:' .. topic .. ':' .. partition, 'MINID', '~', id, 'LIMIT', limit)
  end
end
return removed
