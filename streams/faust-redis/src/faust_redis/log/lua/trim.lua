#!lua flags=allow-oom
-- Remove the records of some partitions that neither the topic's retention nor any reader still needs.
-- The last record of a partition always stays. Of an archived topic, so does every record that its archive does not hold.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix, ARGV[2] topic, ARGV[3] about how many entries this call may remove from a partition,
-- ARGV[4] '1' when groups hold back trimming, then partitions
-- Returns the number of entries removed. An entry goes when all of its records may go.
local prefix, topic, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local declared = redis.call('HMGET', prefix .. 'topic:' .. topic, 'retention_ms', 'archived')
local retention, is_archived = tonumber(declared[1] or '0'), declared[2] == '1'
if retention == 0 then return 0 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

-- Time between two marks. It delays the removal of a record by at most a sixteenth of the retention.
local step = retention / 16

-- Return the offset below which all records are older than the retention. Offsets carry no time, so each mark
-- `ms:offset` records where the partition ended at that time. The newest mark older than the retention gives the offset.
-- It stays at the head of the list until a newer mark is old enough.
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

local groups = ARGV[4] == '1' and redis.call('SMEMBERS', prefix .. 'groups') or {}
local readers = {}
local leases = prefix .. 'readers:' .. topic
local found = redis.call('HGETALL', leases)
for i = 1, #found, 2 do
  local reader = cjson.decode(found[i + 1])
  if reader.until_ms < now then redis.call('HDEL', leases, found[i]) else readers[#readers + 1] = reader.offsets end
end

local removed = 0
for i = 5, #ARGV do
  local partition = ARGV[i]
  local highwater = tonumber(redis.call('HGET', prefix .. 'ends:' .. topic, partition) or '0')
  if highwater > 0 then
    local floor = math.min(expired(partition, highwater), highwater - 1)
    for _, group in ipairs(groups) do
      floor = lowest(floor, redis.call('HGET', prefix .. 'group:' .. group .. ':offsets', topic .. ':' .. partition))
    end
    if is_archived then
      local manifest = redis.call('HGET', prefix .. 'archived:' .. topic, partition) or '0'
      floor = lowest(floor, string.match(manifest, '^%d+'))
    end
    for _, offsets in ipairs(readers) do floor = lowest(floor, offsets[partition]) end
    -- `~` removes whole nodes of the stream, which is cheap, and no more entries than the limit. When no whole node is left
    -- below the floor, remove the rest, which is a part of one node.
    local id = '0-' .. string.format('%d', floor + 1)
    local stream = prefix .. 'log:' .. topic .. ':' .. partition
    local gone = redis.pcall('XTRIM', stream, 'MINID', '~', id, 'LIMIT', limit)
    -- A partition whose stream was replaced by a value of another type must not stop the trimming of the others.
    if type(gone) == 'number' then
      if gone == 0 then gone = redis.call('XTRIM', stream, 'MINID', '=', id) end
      removed = removed + gone
    end
  end
end
return removed
