#!lua flags=no-writes
-- Check that the keys of one partition are consistent. This script writes nothing.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix, ARGV[2] topic, ARGV[3] partition, ARGV[4] how many of the last entries to read
-- Returns pairs: the kind of damage, and its description. The caller compares rows with their records, because this
-- script cannot unpack batches.
local prefix, topic, partition = ARGV[1], ARGV[2], ARGV[3]
local INT64_MAX = '9223372036854775807'
local stream = prefix .. 'log:' .. topic .. ':' .. partition
local ends = prefix .. 'ends:' .. topic
local snapshot = prefix .. 'snap:' .. topic .. ':' .. partition
local compacted = redis.call('HGET', prefix .. 'topic:' .. topic, 'cleanup') ~= 'delete'
local damages = {}

local function report(kind, text)
  damages[#damages + 1] = kind
  damages[#damages + 1] = text
end

local function check_type(key, expected)
  local found = redis.call('TYPE', key).ok
  if found ~= expected and found ~= 'none' then
    report('type', 'key ' .. key .. ' holds a ' .. found .. ', not a ' .. expected)
    return false
  end
  return true
end

local function is_timestamp(text)
  local digits = string.match(text, '^-?(%d+)$')
  return digits ~= nil and (#digits < #INT64_MAX or (#digits == #INT64_MAX and digits <= INT64_MAX))
end

local order_key = prefix .. 'order'
local counter = not compacted and check_type(order_key, 'hash') and redis.call('HGET', order_key, partition)
if counter and not tonumber(counter) then report('order', 'the append counter is ' .. string.sub(counter, 1, 32)) end

-- A number above the counter will be given a second time. A lost counter restores itself at the next write.
local function check_order(fields)
  for i = 1, #fields, 2 do
    local number = fields[i] == 'o' and tonumber(fields[i + 1])
    if number and counter and number > (tonumber(counter) or number) then
      report('order', 'its last append number is ' .. fields[i + 1] .. ', the append counter is ' .. counter)
    end
  end
end

local function check_entry(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 't' and not is_timestamp(entry[2][i + 1]) then
      report('entry', 'entry ' .. entry[1] .. ' has the timestamp ' .. string.sub(entry[2][i + 1], 1, 32))
      return
    end
  end
end

local whole = check_type(stream, 'stream')
whole = check_type(ends, 'hash') and whole
if compacted then check_type(snapshot, 'hash') end
if not whole then return damages end

local top = redis.call('HGET', ends, partition) or '0'
local last = '0-0'
local info = redis.pcall('XINFO', 'STREAM', stream)
if info.err == nil then
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
  end
end
if last ~= '0-' .. top then report('end', 'the stream ends at ' .. last .. ', the log wrote to 0-' .. top) end
local foreign = redis.call('XRANGE', stream, '1-0', '+', 'COUNT', 1)[1]
if foreign then report('entry', 'entry ' .. foreign[1] .. ' has the id of another writer') end
-- Check the next entry of each group. A group cannot pass an unreadable entry, however old the entry is.
for _, group in ipairs(redis.call('SMEMBERS', prefix .. 'groups')) do
  local committed = redis.call('HGET', prefix .. 'group:' .. group .. ':offsets', topic .. ':' .. partition)
  if committed then
    local id = '0-' .. string.format('%d', tonumber(committed) + 1)
    local entry = redis.call('XRANGE', stream, id, '0-' .. top, 'COUNT', 1)[1]
    if entry then check_entry(entry) end
  end
end

-- Each of the last entries must begin where the entry before it ends.
local begins, missing = tonumber(top), 0
for i, entry in ipairs(redis.call('XREVRANGE', stream, '0-' .. top, '-', 'COUNT', ARGV[4])) do
  check_entry(entry)
  if i == 1 then check_order(entry[2]) end
  local fields, ended = entry[2], tonumber(string.sub(entry[1], 3))
  if last == '0-' .. top and not foreign then missing = missing + begins - ended end
  begins = ended - (fields[1] == 'n' and tonumber(fields[2]) or 1)
end
if missing ~= 0 then report('missing', missing .. ' of its last records are gone') end
return damages
