-- The one place where outputs, changelog, snapshots, views and offsets meet: all of it or nothing.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix; ARGV[2] JSON {fence?, group?, copied?, txn?, offsets, streams}; ARGV[3] MessagePack: for each of the
-- streams its records, each a list of fields
-- Fields stand in the order k, v, t, header..., absent ones left out; that order is what folding relies on.
-- Every check comes before the first write: a script that stops half-way is not rolled back.
local prefix = ARGV[1]
local head = cjson.decode(ARGV[2])

local function millis()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- A recognised retry comes first: what was written stays written, whatever became of its writer since.
local txn_key
if head.txn then
  txn_key = prefix .. 'txn:' .. head.txn.name
  local seen = redis.call('HMGET', txn_key, 'value', 'bases')
  if seen[1] == head.txn.value then return {'OK', seen[2], 'again'} end
  if seen[1] and head.txn.once then return {'CONFLICT'} end
  -- An earlier write of this writer that was long under way: its retry was answered, nobody waits for it any more.
  if seen[1] and tonumber(head.txn.value) < tonumber(seen[1]) then return {'FENCED', 'transaction'} end
  -- A writer's writes follow one another: if the last one does not stand, neither does what the writer knows.
  if head.txn.after and head.txn.after ~= '' and seen[1] ~= head.txn.after then
    return {'ROLLED_BACK', head.txn.name, 'write ' .. (seen[1] or 'none'), 'write ' .. head.txn.after}
  end
end

if head.fence then
  local f = head.fence
  local group = prefix .. 'group:' .. f.group
  local lease = redis.call('ZSCORE', group .. ':leases', f.member)
  if redis.call('HGET', group, 'generation') ~= tostring(f.generation) then return {'FENCED', 'generation'} end
  if not lease or tonumber(lease) < millis() then return {'FENCED', 'lease'} end
end

-- Only this member commits its partitions, so the last commit must stand, and the record that the new one passes must be
-- the one that was processed. If not, the broker was restored to an earlier state.
local function passes(o)
  local id = '0-' .. string.format('%d', o[3])
  local entry = redis.call('XRANGE', prefix .. 'log:' .. o[1] .. ':' .. o[2], id, id)[1]
  if not entry then return false end
  local value = ''
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'v' then value = entry[2][i + 1] end
  end
  return redis.sha1hex(value) == o[5]
end

-- A group without members (no fence) has nothing but the standing offset to keep two writers apart.
local group_name = head.group or (head.fence and head.fence.group)
for _, o in ipairs(head.offsets) do
  local field = o[1] .. ':' .. o[2]
  local stands = redis.call('HGET', prefix .. 'group:' .. group_name .. ':offsets', field)
  if o[4] >= 0 and (stands or '0') ~= string.format('%d', o[4]) then
    return {'ROLLED_BACK', field, 'committed ' .. (stands or 'nothing'), 'committed ' .. string.format('%d', o[4])}
  end
  if o[5] ~= '' and not passes(o) then
    return {'ROLLED_BACK', field, 'another record below ' .. string.format('%d', o[3]), 'processed one that is gone'}
  end
end

-- A copy of another log goes on from where it stands, so that of two who copy one is refused.
local copy_key = head.copied and (prefix .. 'copied:' .. head.copied.name)
for _, c in ipairs(head.copied and head.copied.steps or {}) do
  local stands = redis.call('HGET', copy_key, c[1]) or '0'
  if stands ~= string.format('%d', c[2]) then return {'MOVED', c[1], stands, string.format('%d', c[2])} end
end

if head.require then
  local r = head.require
  if redis.call('HEXISTS', prefix .. 'snap:' .. r[1] .. ':' .. r[2], r[3]) == 0 then return {'GONE', r[3]} end
end

local streams, ends = {}, {}
for i, s in ipairs(head.streams) do
  local meta = redis.call('HMGET', prefix .. 'topic:' .. s[1], 'incarnation', 'partitions', 'cleanup', 'view')
  if not meta[1] then return {'UNKNOWN', s[1]} end
  if meta[1] ~= s[3] then return {'INCARNATION', s[1]} end
  if s[2] >= tonumber(meta[2]) then return {'UNKNOWN', s[1] .. ':' .. s[2]} end
  local stream = {
    key = prefix .. 'log:' .. s[1] .. ':' .. s[2],
    ends = prefix .. 'ends:' .. s[1],
    partition = tostring(s[2]),
    keys = {},
    rows = {},
    snap = meta[3] ~= 'delete' and (prefix .. 'snap:' .. s[1] .. ':' .. s[2]) or nil,
    rank = meta[4] == 'rank' and (prefix .. 'rank:' .. s[1] .. ':') or nil,
  }
  local top = redis.call('HGET', stream.ends, stream.partition) or '0'
  local last = '0-0'
  local info = redis.pcall('XINFO', 'STREAM', stream.key)
  if info.err == nil then
    for j = 1, #info, 2 do
      if info[j] == 'last-generated-id' then last = info[j + 1] end
    end
  end
  if last ~= '0-' .. top then return {'FOREIGN', stream.key, last, '0-' .. top} end
  streams[i] = stream
  ends[i] = tonumber(top)
end

local bases = {}
for i, top in ipairs(ends) do bases[i] = top end

-- Snapshots are written after the records, many rows at a time: the last value of a key is what counts.
local ROWS_A_CALL, ARGUMENTS_A_CALL = 500, 1000
local call = redis.call

local function fold(stream, key, value)
  if stream.rows[key] == nil then stream.keys[#stream.keys + 1] = key end
  stream.rows[key] = value
end

-- What a row of a ranked topic says: {group: sort key} of the member that its key ends with. What is no such row ranks nothing.
local function standings(value)
  local ok, found = pcall(cjson.decode, value or '{}')
  return ok and type(found) == 'table' and found or {}
end

-- The members of rankings that go and that come, by group.
local function add_changes(stream, keys, first, last, gone, come)
  local old = call('HMGET', stream.snap, unpack(keys, first, last))
  for i = first, last do
    local member = string.match(keys[i], '|([^|]*)$')
    if member then
      local was, is = standings(old[i - first + 1]), standings(stream.rows[keys[i]])
      for group, sort_key in pairs(was) do
        if is[group] ~= sort_key and type(sort_key) == 'string' then
          local members = gone[group]
          if not members then members = {}; gone[group] = members end
          members[#members + 1] = sort_key .. '|' .. member
        end
      end
      for group, sort_key in pairs(is) do
        if was[group] ~= sort_key and type(sort_key) == 'string' then
          local members = come[group]
          if not members then members = {}; come[group] = members end
          members[#members + 1] = 0
          members[#members + 1] = sort_key .. '|' .. member
        end
      end
    end
  end
end

local function write_rankings(stream, changes, command)
  for group, members in pairs(changes) do
    for first = 1, #members, ARGUMENTS_A_CALL do
      call(command, stream.rank .. group, unpack(members, first, math.min(first + ARGUMENTS_A_CALL - 1, #members)))
    end
  end
end

local function write_snapshot(stream)
  local keys, gone, come = stream.keys, {}, {}
  for first = 1, #keys, ROWS_A_CALL do
    local last = math.min(first + ROWS_A_CALL - 1, #keys)
    if stream.rank then add_changes(stream, keys, first, last, gone, come) end
    local set, del = {}, {}
    for i = first, last do
      local value = stream.rows[keys[i]]
      if value then
        set[#set + 1] = keys[i]
        set[#set + 1] = value
      else
        del[#del + 1] = keys[i]
      end
    end
    if #set > 0 then redis.call('HSET', stream.snap, unpack(set)) end
    if #del > 0 then redis.call('HDEL', stream.snap, unpack(del)) end
  end
  -- A standing may have moved from one row to another: all that goes, then all that comes.
  write_rankings(stream, gone, 'ZREM')
  write_rankings(stream, come, 'ZADD')
end

for i, entries in ipairs(cmsgpack.unpack(ARGV[3])) do
  local stream = streams[i]
  local key, snap = stream.key, stream.snap
  for _, entry in ipairs(entries) do
    call('XADD', key, '0-*', unpack(entry))
    if snap and entry[1] == 'k' then fold(stream, entry[2], entry[3] == 'v' and entry[4] or false) end
  end
  ends[i] = ends[i] + #entries
end
for i, stream in ipairs(streams) do
  write_snapshot(stream)
  redis.call('HSET', stream.ends, stream.partition, string.format('%d', ends[i]))
end

for _, c in ipairs(head.copied and head.copied.steps or {}) do
  redis.call('HSET', copy_key, c[1], string.format('%d', c[3]))
end

if group_name then
  local offsets = prefix .. 'group:' .. group_name .. ':offsets'
  for _, o in ipairs(head.offsets) do
    local id = string.format('%d', o[3])
    if redis.call('HSET', offsets, o[1] .. ':' .. o[2], id) == 1 then
      redis.call('SADD', prefix .. 'groups', group_name)
    end
    -- The same offset in native group metadata, so that XINFO GROUPS shows the lag to ordinary tools.
    local key = prefix .. 'log:' .. o[1] .. ':' .. o[2]
    local set = redis.pcall('XGROUP', 'SETID', key, group_name, '0-' .. id, 'ENTRIESREAD', id)
    if set.err then
      redis.pcall('XGROUP', 'CREATE', key, group_name, '0-' .. id, 'MKSTREAM', 'ENTRIESREAD', id)
    end
  end
end

local result = cjson.encode(bases)
if #bases == 0 then result = '[]' end
if txn_key then
  redis.call('HSET', txn_key, 'value', head.txn.value, 'bases', result)
  redis.call('PEXPIRE', txn_key, head.txn.ttl_ms)
end
return {'OK', result, 'new'}
