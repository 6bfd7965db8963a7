#!lua
-- Apply a batch of outputs, changelog rows, snapshots, rankings and offsets, completely or not at all.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix
-- ARGV[2] JSON {fence?, group?, copied?, forwarded?, resize?, elsewhere?, idempotency? | sequence?, require?, offsets, streams}
-- ARGV[3...] for each of the streams, its entries: MessagePack of the fields of a single record, or a packed batch and its
-- writer, if it has one; then, for a compacted topic, MessagePack of its last value for each key: key, value, key...
-- (false is a tombstone); then, for a ranked topic, MessagePack {{ranking, {score, member...}, ranking...}, {removed key...}}.
-- A stream in ARGV[2] is {topic, partition, incarnation, {{count, has a writer}...}, compacted, partitions of the topic}.
-- All checks come before the first write, because Redis does not roll back a script that fails.
local prefix = ARGV[1]
local head = cjson.decode(ARGV[2])

local function millis()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Redis keeps the writes of a failed script, so detect a key of a wrong type before the first write.
local function mistyped(key, expected, topic, partition)
  local found = redis.call('TYPE', key).ok
  if found ~= expected and found ~= 'none' then
    return {'WRONG_TYPE', key, found, expected, topic or '', partition and string.format('%d', partition) or ''}
  end
end

-- Recognise a retry first: an applied write stays applied, even if its writer has been fenced since.
local id, id_key, id_field, id_value
if head.idempotency then
  id = head.idempotency
  id_key, id_field, id_value = prefix .. 'idempotency:' .. id.name, 'digest', id.digest
elseif head.sequence then
  id = head.sequence
  id_key, id_field, id_value = prefix .. 'producer:' .. id.producer, 'number', string.format('%d', id.number)
end
if id then
  local wrong = mistyped(id_key, 'hash')
  if wrong then return wrong end
  local seen = redis.call('HMGET', id_key, id_field, 'bases', 'counted')
  if seen[1] == id_value then return {'OK', seen[2], 'again', seen[3] or ''} end
  if seen[1] and head.idempotency then return {'CONFLICT'} end
  -- The producer has already received the answer to a retry of this attempt, and has written more since.
  if seen[1] and id.number < tonumber(seen[1]) then return {'FENCED', 'sequence'} end
  -- A producer numbers its writes in sequence. If its last write is lost, records that it read may be lost, too.
  if id.after and seen[1] ~= string.format('%d', id.after) then
    return {'ROLLED_BACK', id.producer, 'write ' .. (seen[1] or 'none'), 'write ' .. string.format('%d', id.after)}
  end
end

if head.fence then
  local f = head.fence
  local group = prefix .. 'group:' .. f.group
  local lease = redis.call('ZSCORE', group .. ':leases', f.member)
  if redis.call('HGET', group, 'generation') ~= tostring(f.generation) then return {'FENCED', 'generation'} end
  if not lease or tonumber(lease) < millis() then return {'FENCED', 'lease'} end
end

-- Only this member commits its partitions. So the committed offset must be its last one, and the records below the new
-- offset must be those that the member processed. Otherwise the broker was restored to an earlier state. The evidence of
-- a record is its value, or the packed batch that holds it; entries come in order, so the last one must reach the offset.
local function passes(o)
  local key, begins = prefix .. 'log:' .. o[1] .. ':' .. o[2], o[6]
  local evidence = {}
  for n, entry in ipairs(redis.call('XRANGE', key, string.format('0-%d', o[6] + 1), '+', 'COUNT', o[7])) do
    local own, count = '', 1
    for i = 1, #entry[2], 2 do
      local name, value = entry[2][i], entry[2][i + 1]
      if name == 'v' or name == 'z' then own = value elseif name == 'n' then count = tonumber(value) end
    end
    local ends = tonumber(string.sub(entry[1], 3))
    if ends - count > begins then return false end
    begins = ends
    evidence[n] = #own .. ':' .. own
  end
  return begins >= o[3] and redis.sha1hex(table.concat(evidence)) == o[5]
end

-- The offsets of a group without members have no fence: the committed offset keeps two writers apart.
local group_name = head.group or (head.fence and head.fence.group)
local offsets_key = group_name and (prefix .. 'group:' .. group_name .. ':offsets')
if group_name then
  local wrong = mistyped(offsets_key, 'hash') or mistyped(prefix .. 'groups', 'set')
  if wrong then return wrong end
end
for _, o in ipairs(head.offsets) do
  local field = o[1] .. ':' .. o[2]
  local stands = redis.call('HGET', offsets_key, field)
  if o[4] >= 0 and (stands or '0') ~= string.format('%d', o[4]) then
    return {'ROLLED_BACK', field, 'committed ' .. (stands or 'nothing'), 'committed ' .. string.format('%d', o[4])}
  end
  if o[5] ~= '' and not passes(o) then
    return {'ROLLED_BACK', field, 'another record below ' .. string.format('%d', o[3]), 'processed one that is gone'}
  end
end

-- A copy of another log must continue at its present offset. This refuses one of two writers that copy the same log.
local copy_key = head.copied and (prefix .. 'copied:' .. head.copied.name)
if copy_key then
  local wrong = mistyped(copy_key, 'hash')
  if wrong then return wrong end
end
for _, c in ipairs(head.copied and head.copied.steps or {}) do
  local stands = redis.call('HGET', copy_key, c[1]) or '0'
  if stands ~= string.format('%d', c[2]) then return {'MOVED', c[1], stands, string.format('%d', c[2])} end
end

if head.require then
  local r = head.require
  if redis.call('HEXISTS', prefix .. 'snap:' .. r[1] .. ':' .. r[2], r[3]) == 0 then return {'GONE', r[3]} end
end

-- While the number of partitions changes (resize.lua), topics are closed: first to all but members and forwarders, who
-- finish what was appended before, then to all but the process that moves the rows.
local function is_closed(closed)
  if head.resize then return closed ~= head.resize end
  return closed and not (closed == 'entry' and (head.fence or head.forwarded))
end

-- The writer chose partitions by the number of partitions that it knows.
local function resized(topic, found, counted)
  if tonumber(found) ~= counted then return {'RESIZED', topic, found, tostring(counted)} end
end

-- What goes to other shards is closed, and counted, like what stays.
for _, sent in ipairs(head.elsewhere or {}) do
  local meta = redis.call('HMGET', prefix .. 'topic:' .. sent[1], 'partitions', 'closed')
  if is_closed(meta[2]) then return {'CLOSED', sent[1]} end
  local wrong = meta[1] and resized(sent[1], meta[1], sent[2])
  if wrong then return wrong end
end

local streams, ends = {}, {}
for i, s in ipairs(head.streams) do
  local meta = redis.call('HMGET', prefix .. 'topic:' .. s[1], 'incarnation', 'partitions', 'cleanup', 'view', 'closed')
  if not meta[1] then return {'UNKNOWN', s[1]} end
  if meta[1] ~= s[3] then return {'INCARNATION', s[1]} end
  if is_closed(meta[5]) then return {'CLOSED', s[1]} end
  if not head.resize then
    local wrong = resized(s[1], meta[2], s[6])
    if wrong then return wrong end
    if s[2] >= s[6] then return {'UNKNOWN', s[1] .. ':' .. s[2]} end
  end
  local stream = {
    topic = s[1],
    number = s[2],
    entries = s[4],
    key = prefix .. 'log:' .. s[1] .. ':' .. s[2],
    ends = prefix .. 'ends:' .. s[1],
    partition = tostring(s[2]),
    is_numbered = meta[3] == 'delete' and #s[4] > 0,
    snap = meta[3] ~= 'delete' and (prefix .. 'snap:' .. s[1] .. ':' .. s[2]) or nil,
    compacted = s[5],
    rank = meta[4] == 'rank' and (prefix .. 'rank:' .. s[1] .. ':') or nil,
  }
  local wrong = mistyped(stream.key, 'stream', s[1], s[2]) or mistyped(stream.ends, 'hash', s[1], s[2])
    or (stream.snap and mistyped(stream.snap, 'hash', s[1], s[2]))
  if wrong then return wrong end
  local top = redis.call('HGET', stream.ends, stream.partition) or '0'
  local last = '0-0'
  local info = redis.pcall('XINFO', 'STREAM', stream.key)
  if info.err == nil then
    for j = 1, #info, 2 do
      if info[j] == 'last-generated-id' then last = info[j + 1] end
    end
  end
  if last ~= '0-' .. top then return {'FOREIGN', s[1], tostring(s[2]), last, '0-' .. top} end
  streams[i] = stream
  ends[i] = tonumber(top)
end

local bases = {}
for i, top in ipairs(ends) do bases[i] = top end

local ROWS_A_CALL, ARGUMENTS_A_CALL = 500, 1000
local call = redis.call

-- The writer knows the rankings of its rows (rankings.py). It does not know those of a row that it removes.
local MAP_16, MAP_32 = 0xde, 0xdf

local function whole(ok, found, ...)
  return ok and type(found) == 'table' and select('#', ...) == 0 and found or {}
end

local function standings(value)
  local first = value and string.byte(value) or 0
  if (first < 0x80 or first > 0x8f) and first ~= MAP_16 and first ~= MAP_32 then return {} end
  return whole(pcall(cmsgpack.unpack, value))
end

-- Return the rankings of removed rows, each with its members.
local function removed(stream, keys)
  local gone = {}
  for _, key in ipairs(keys) do
    local name, member = string.match(key, '^(.*)|([^|]*)$')
    for suffix in pairs(standings(call('HGET', stream.snap, key))) do
      if type(suffix) == 'string' then
        local ranking = name .. '/' .. suffix
        gone[ranking] = gone[ranking] or {}
        table.insert(gone[ranking], stream.partition .. '|' .. member)
      end
    end
  end
  return gone
end

local function rank(stream, packed)
  local changes = cmsgpack.unpack(packed)
  stream.scored, stream.gone = changes[1], removed(stream, changes[2])
  for i = 1, #stream.scored, 2 do
    local wrong = mistyped(stream.rank .. stream.scored[i], 'zset', stream.topic, stream.number)
    if wrong then return wrong end
  end
  for ranking in pairs(stream.gone) do
    local wrong = mistyped(stream.rank .. ranking, 'zset', stream.topic, stream.number)
    if wrong then return wrong end
  end
end

local argument = 2
for _, stream in ipairs(streams) do
  for _, entry in ipairs(stream.entries) do
    argument = argument + 1
    entry.payload = ARGV[argument]
    if entry[2] then
      argument = argument + 1
      entry.writer = ARGV[argument]
    end
  end
  if stream.compacted then
    argument = argument + 1
    stream.rows = stream.snap and cmsgpack.unpack(ARGV[argument]) or {}
    if stream.rank then
      argument = argument + 1
      local wrong = rank(stream, ARGV[argument])
      if wrong then return wrong end
    end
  end
end

-- Append numbers ascend over all topics of a partition number that are not compacted. To take them is the last check: it
-- fails without an effect when something else wrote the counter.
local order_key, orders, taken = prefix .. 'order', {}, {}

-- A lost counter goes on after the last numbered entries of the partition number.
local function highest_order(partition)
  local highest = 0
  for _, topic in ipairs(call('SMEMBERS', prefix .. 'topics')) do
    local entry = redis.pcall('XREVRANGE', prefix .. 'log:' .. topic .. ':' .. partition, '+', '-', 'COUNT', 1)[1]
    local fields = entry and entry[2] or {}
    for i = 1, #fields, 2 do
      if fields[i] == 'o' then highest = math.max(highest, tonumber(fields[i + 1]) or 0) end
    end
  end
  return highest
end

for _, stream in ipairs(streams) do
  if stream.is_numbered then taken[stream.partition] = (taken[stream.partition] or 0) + #stream.entries end
end
for partition, count in pairs(taken) do
  local last = redis.pcall('HINCRBY', order_key, partition, count)
  if type(last) == 'table' then
    for earlier in pairs(orders) do call('HINCRBY', order_key, earlier, -taken[earlier]) end
    return {'WRONG_TYPE', order_key, call('TYPE', order_key).ok == 'hash' and 'text' or 'foreign value', 'number', '', ''}
  end
  if last == count then last = call('HINCRBY', order_key, partition, highest_order(partition)) end
  orders[partition] = last - count
end

-- All checks are done. Nothing below may fail.
local function change_ranking(stream, command, ranking, members)
  for first = 1, #members, ARGUMENTS_A_CALL do
    call(command, stream.rank .. ranking, unpack(members, first, math.min(first + ARGUMENTS_A_CALL - 1, #members)))
  end
end

-- The snapshot keeps the last value of each key.
local function write_snapshot(stream)
  local rows = stream.rows
  for first = 1, #rows, 2 * ROWS_A_CALL do
    local set, del = {}, {}
    for i = first, math.min(first + 2 * ROWS_A_CALL, #rows + 1) - 1, 2 do
      if rows[i + 1] then
        set[#set + 1] = rows[i]
        set[#set + 1] = rows[i + 1]
      else
        del[#del + 1] = rows[i]
      end
    end
    if #set > 0 then call('HSET', stream.snap, unpack(set)) end
    if #del > 0 then call('HDEL', stream.snap, unpack(del)) end
  end
  if stream.rank then
    -- A standing may move from a deleted row to another, so remove members before adding others.
    for ranking, members in pairs(stream.gone) do change_ranking(stream, 'ZREM', ranking, members) end
    for i = 1, #stream.scored, 2 do change_ranking(stream, 'ZADD', stream.scored[i], stream.scored[i + 1]) end
  end
end

for i, stream in ipairs(streams) do
  for _, entry in ipairs(stream.entries) do
    local count, payload = entry[1], entry.payload
    ends[i] = ends[i] + count
    local id = string.format('0-%d', ends[i])
    local fields = count == 1 and cmsgpack.unpack(payload) or {'n', count, 'z', payload}
    local n = #fields
    if entry.writer then fields[n + 1], fields[n + 2], n = 'w', entry.writer, n + 2 end
    if stream.is_numbered then
      local order = orders[stream.partition] + 1
      orders[stream.partition] = order
      fields[n + 1], fields[n + 2] = 'o', string.format('%d', order)
    end
    call('XADD', stream.key, id, unpack(fields))
  end
  if #stream.entries > 0 then
    -- Count records, not entries, so that XINFO GROUPS shows the lag in records.
    local top = string.format('%d', ends[i])
    call('XSETID', stream.key, '0-' .. top, 'ENTRIESADDED', top)
  end
  if stream.rows then write_snapshot(stream) end
  call('HSET', stream.ends, stream.partition, string.format('%d', ends[i]))
end

for _, c in ipairs(head.copied and head.copied.steps or {}) do
  if c[3] == 0 then
    redis.call('HDEL', copy_key, c[1])
  else
    redis.call('HSET', copy_key, c[1], string.format('%d', c[3]))
  end
end

for _, o in ipairs(head.offsets) do
  local offset = string.format('%d', o[3])
  if redis.call('HSET', offsets_key, o[1] .. ':' .. o[2], offset) == 1 then
    redis.call('SADD', prefix .. 'groups', group_name)
  end
  -- The native group position repeats the offset, so that XINFO GROUPS shows the lag to ordinary tools.
  local key = prefix .. 'log:' .. o[1] .. ':' .. o[2]
  local set = redis.pcall('XGROUP', 'SETID', key, group_name, '0-' .. offset, 'ENTRIESREAD', offset)
  if set.err then
    redis.pcall('XGROUP', 'CREATE', key, group_name, '0-' .. offset, 'MKSTREAM', 'ENTRIESREAD', offset)
  end
end

local result = cjson.encode(bases)
if #bases == 0 then result = '[]' end
if id then
  redis.call('HSET', id_key, id_field, id_value, 'bases', result)
  -- A retry may come when the topics have more partitions.
  if head.idempotency and head.streams[1] then redis.call('HSET', id_key, 'counted', head.streams[1][6]) end
  redis.call('PEXPIRE', id_key, id.ttl_ms)
end
return {'OK', result, 'new'}
