-- Check that the keys of one partition are consistent. This script writes nothing.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix, ARGV[2] topic, ARGV[3] partition, ARGV[4] how many of the last records to compare
-- Returns pairs: the kind of damage, and its description.
local prefix, topic, partition = ARGV[1], ARGV[2], ARGV[3]
local SHOWN = 3
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
local rows = compacted and check_type(snapshot, 'hash')
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
local first = redis.call('XRANGE', stream, '-', '0-' .. top, 'COUNT', 1)[1]
if not foreign and last == '0-' .. top and first then
  local missing = tonumber(top) + 1 - tonumber(string.sub(first[1], 3)) - redis.call('XLEN', stream)
  if missing ~= 0 then report('missing', missing .. ' records between its first and its last are gone') end
end

-- Check the next entry of each group. A group cannot pass an unreadable entry, however old the entry is.
for _, group in ipairs(redis.call('SMEMBERS', prefix .. 'groups')) do
  local committed = redis.call('HGET', prefix .. 'group:' .. group .. ':offsets', topic .. ':' .. partition)
  if committed then
    local id = '0-' .. string.format('%d', tonumber(committed) + 1)
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if entry then check_entry(entry) end
  end
end

local seen, wrong = {}, {}
for _, entry in ipairs(redis.call('XREVRANGE', stream, '0-' .. top, '-', 'COUNT', ARGV[4])) do
  check_entry(entry)
  local fields = entry[2]
  if rows and fields[1] == 'k' and not seen[fields[2]] then
    seen[fields[2]] = true
    local value = fields[3] == 'v' and fields[4] or false
    if redis.call('HGET', snapshot, fields[2]) ~= value then wrong[#wrong + 1] = fields[2] end
  end
end
if #wrong > 0 then
  report('row', #wrong .. ' rows of the snapshot differ from their last record: '
    .. table.concat(wrong, ', ', 1, math.min(#wrong, SHOWN)))
end
return damages
