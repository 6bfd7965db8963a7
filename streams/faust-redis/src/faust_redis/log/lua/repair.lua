#!lua flags=allow-oom
-- Make the keys of one partition consistent again. This needs that no group has a live member.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix, ARGV[2] topic, ARGV[3] partition, ARGV[4] '1' to rewrite the stream
-- ARGV[5] the end of the partition for which the caller read the records, ARGV[6] the offset of the first of them
-- ARGV[7] MessagePack: the last value of each key in these records (key, value, key, value...; false is a tombstone)
-- ARGV[8] MessagePack: the ids of entries that cannot be read, each with the timestamp of the record before it
-- ARGV[9...] the topic's rankings
-- Returns 'ALIVE' and the live members, 'END' and the end of the partition when it is another, or 'DONE' and a text for
-- each change.
local prefix, topic, partition = ARGV[1], ARGV[2], ARGV[3]
local PAGE = 500
local stream = prefix .. 'log:' .. topic .. ':' .. partition
local ends = prefix .. 'ends:' .. topic
local snapshot = prefix .. 'snap:' .. topic .. ':' .. partition
local field = topic .. ':' .. partition
local meta = redis.call('HMGET', prefix .. 'topic:' .. topic, 'cleanup', 'view', 'partitions')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local groups = redis.call('SMEMBERS', prefix .. 'groups')
local unreadable, done = {}, {'DONE'}
local ids = cmsgpack.unpack(ARGV[8])
for i = 1, #ids, 2 do unreadable[ids[i]] = ids[i + 1] end

local function report(text) done[#done + 1] = text end
local function integer(number) return string.format('%d', number) end

local alive = {'ALIVE'}
for _, group in ipairs(groups) do
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'group:' .. group .. ':leases', now, '+inf')) do
    alive[#alive + 1] = member
  end
end
if #alive > 1 then return alive end

-- Keep a value of a wrong type under another name, so that an operator can examine it.
local function set_aside(key, expected)
  local found = redis.call('TYPE', key).ok
  if found == expected or found == 'none' then return false end
  local aside = prefix .. 'damaged:' .. integer(now) .. ':' .. string.sub(key, #prefix + 1)
  redis.call('RENAME', key, aside)
  report('moved a ' .. found .. ' from ' .. key .. ' to ' .. aside)
  return true
end

-- Return nothing for a stream whose key holds a value of another type.
local function top_of_stream()
  local entry = redis.pcall('XREVRANGE', stream, '0-18446744073709551615', '-', 'COUNT', 1)[1]
  return entry and tonumber(string.sub(entry[1], 3)) or 0
end

local function committed_max()
  local highest = 0
  for _, group in ipairs(groups) do
    highest = math.max(highest, tonumber(redis.call('HGET', prefix .. 'group:' .. group .. ':offsets', field) or '0'))
  end
  return highest
end

-- Return the end of the partition. Records above the high watermark belong to an incomplete write, so the repair removes
-- them. They stay when a group has committed an offset above the high watermark.
local function highwater()
  local top = top_of_stream()
  local kept = redis.pcall('HGET', ends, partition)
  local known = type(kept) == 'string' and tonumber(kept)
  if not known then return math.max(top, committed_max()) end
  if top > known and committed_max() > known then return math.max(top, committed_max()) end
  return known
end

-- Give a single record with an unreadable timestamp the one of the record before it; return false for another entry.
local function repair_timestamp(entry, timestamp)
  local fields, repaired = entry[2], false
  for i = 1, #fields, 2 do
    if fields[i] == 't' then fields[i + 1], repaired = timestamp, true end
  end
  return repaired
end

local function pages(key, first, last, visit)
  local from = first
  while true do
    local entries = redis.call('XRANGE', key, '0-' .. integer(from), '0-' .. integer(last), 'COUNT', PAGE)
    if #entries == 0 then return end
    for _, entry in ipairs(entries) do visit(entry) end
    from = tonumber(string.sub(entries[#entries][1], 3)) + 1
  end
end

-- Redis never lowers a stream's last id, so copy the good entries to a new stream.
local function rewrite_stream(high)
  local fresh = prefix .. 'damaged:fresh'
  local copied, repaired = 0, 0
  local had = redis.call('XLEN', stream)
  redis.call('DEL', fresh)
  pages(stream, 1, high, function(entry)
    local timestamp = unreadable[entry[1]]
    local changed = timestamp and repair_timestamp(entry, timestamp)
    if changed then repaired = repaired + 1 end
    if changed or not timestamp then
      redis.call('XADD', fresh, entry[1], unpack(entry[2]))
      copied = copied + 1
    end
  end)
  if high == 0 then
    redis.call('DEL', stream)
  else
    local id = '0-' .. integer(high)
    if copied == 0 then
      redis.call('XADD', fresh, id, 'v', '')
      redis.call('XDEL', fresh, id)
    end
    redis.call('XSETID', fresh, id, 'ENTRIESADDED', integer(high))
    redis.call('RENAME', fresh, stream)
    for _, group in ipairs(groups) do
      local offset = redis.call('HGET', prefix .. 'group:' .. group .. ':offsets', field)
      if offset then redis.pcall('XGROUP', 'CREATE', stream, group, '0-' .. offset, 'ENTRIESREAD', offset) end
    end
  end
  if had > copied then report('removed ' .. (had - copied) .. ' entries that the log did not write or cannot read') end
  if repaired > 0 then report('gave ' .. repaired .. ' records the timestamp of the record before them') end
  report('the stream ends at offset ' .. integer(high) .. ' and has ' .. copied .. ' entries')
end

local function fold_tail(high, lost)
  local rows, changed = cmsgpack.unpack(ARGV[7]), 0
  for i = 1, #rows, 2 do
    local key, value = rows[i], rows[i + 1]
    if redis.call('HGET', snapshot, key) ~= value then
      changed = changed + 1
      if value then redis.call('HSET', snapshot, key, value) else redis.call('HDEL', snapshot, key) end
    end
  end
  if changed > 0 then report('set ' .. changed .. ' rows of the snapshot to their last record') end
  if lost and high > 0 and ARGV[6] ~= '0' then
    report('rows last written before offset ' .. ARGV[6] .. ' are lost; restore the broker to get them back')
  end
end

-- Continue after the last numbered entry of this partition number in any topic.
local function repair_order()
  local key, highest = prefix .. 'order', 0
  local aside = set_aside(key, 'hash')
  local kept = tonumber(redis.call('HGET', key, partition) or '0')
  for _, name in ipairs(redis.call('SMEMBERS', prefix .. 'topics')) do
    local entry = redis.pcall('XREVRANGE', prefix .. 'log:' .. name .. ':' .. partition, '+', '-', 'COUNT', 1)[1]
    local fields = entry and entry[2] or {}
    for i = 1, #fields, 2 do
      if fields[i] == 'o' then highest = math.max(highest, tonumber(fields[i + 1]) or 0) end
    end
  end
  if aside or not kept or kept < highest then
    redis.call('HSET', key, partition, integer(highest))
    report('set the last append number to ' .. integer(highest))
  end
end

local MAP_16, MAP_32 = 0xde, 0xdf

local function whole(ok, found, ...)
  return ok and type(found) == 'table' and select('#', ...) == 0 and found or nil
end

local function standings(value)
  local first = value and string.byte(value) or 0
  if (first < 0x80 or first > 0x8f) and first ~= MAP_16 and first ~= MAP_32 then return nil end
  return whole(pcall(cmsgpack.unpack, value))
end

local function rank_row(number, key, value)
  local name, member = string.match(key, '^(.*)|([^|]*)$')
  local added = 0
  for suffix, standing in pairs(name and standings(value) or {}) do
    local score = type(suffix) == 'string' and type(standing) == 'table' and standing[1]
    if type(score) == 'number' and score == score then
      local ranking = prefix .. 'rank:' .. topic .. ':' .. name .. '/' .. suffix
      added = added + redis.call('ZADD', ranking, score, integer(number) .. '|' .. member)
    end
  end
  return added
end

local function rebuild_rankings()
  local members = 0
  for i = 9, #ARGV do
    if not set_aside(ARGV[i], 'zset') then redis.call('DEL', ARGV[i]) end
  end
  for number = 0, tonumber(meta[3]) - 1 do
    local key = prefix .. 'snap:' .. topic .. ':' .. number
    local rows = redis.call('TYPE', key).ok == 'hash' and redis.call('HGETALL', key) or {}
    for i = 1, #rows, 2 do members = members + rank_row(number, rows[i], rows[i + 1]) end
  end
  report('rebuilt the rankings, with ' .. members .. ' members')
end

local high = highwater()
if ARGV[5] ~= integer(high) then return {'END', integer(high)} end
local aside = set_aside(stream, 'stream')
set_aside(ends, 'hash')
local lost = meta[1] ~= 'delete' and set_aside(snapshot, 'hash')
if aside or ARGV[4] == '1' then rewrite_stream(high) end
redis.call('HSET', ends, partition, integer(high))
if meta[1] == 'delete' then repair_order() else fold_tail(high, lost) end
if meta[2] == 'rank' then rebuild_rankings() end
return done
