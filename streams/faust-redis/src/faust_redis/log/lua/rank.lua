#!lua flags=no-writes
-- Return members of a ranking in the order of their scores, with their rows, and the topic's position at the same moment.
-- KEYS[1] topic hash, KEYS[2] its highwaters, KEYS[3] the ranking
-- ARGV[1] prefix of the topic's snapshots, ARGV[2] 'first', 'after', 'near' or 'around', ARGV[3] nothing, a score (after and
-- near), or the member of the ranking, ARGV[4] how many members (on each side, when near or around), ARGV[5...] names of the
-- rows that may hold them
-- Members of equal score come together, so that the caller can put them in their exact order: the reply holds all
-- members that tie with the first or the last one asked for, or with the score.
-- Returns incarnation, number of partitions and whether the topic is closed; highwaters; the number of ranked members; then, unless the member around which to look is not ranked:
-- the rank from 0 of the first member, the members, and for each of them a row, or nothing, of each name.
local KEYS_A_CALL = 1000
local call, ranking, count = redis.call, KEYS[3], tonumber(ARGV[4])
local total = call('ZCARD', ranking)
local state = call('HMGET', KEYS[1], 'incarnation', 'partitions', 'closed')
local reply = {state, call('HGETALL', KEYS[2]), total}

local function below(score) return call('ZCOUNT', ranking, '-inf', '(' .. score) end
local function up_to(score) return call('ZCOUNT', ranking, '-inf', score) end
local function score_at(rank) return call('ZRANGE', ranking, rank, rank, 'WITHSCORES')[2] end

local low, high = 0, count - 1
if ARGV[2] == 'after' then
  low, high = below(ARGV[3]), up_to(ARGV[3]) + count - 1
elseif ARGV[2] ~= 'first' then
  local score = ARGV[2] == 'near' and ARGV[3] or call('ZSCORE', ranking, ARGV[3])
  if not score then return reply end
  low, high = math.max(0, below(score) - count), up_to(score) - 1 + count
end
high = math.min(high, total - 1)
if low > high then
  reply[4], reply[5], reply[6] = math.min(low, total), {}, {}
  return reply
end
low, high = below(score_at(low)), up_to(score_at(high)) - 1

local members = call('ZRANGE', ranking, low, high)
local rows, keys, places = {}, {}, {}
for i, member in ipairs(members) do
  local partition, name = string.match(member, '^(%d+)|(.*)$')
  partition = partition or '0'
  if not keys[partition] then keys[partition], places[partition] = {}, {} end
  for j = 5, #ARGV do
    table.insert(keys[partition], ARGV[j] .. '|' .. (name or member))
    table.insert(places[partition], (i - 1) * (#ARGV - 4) + j - 4)
  end
end
for partition, wanted in pairs(keys) do
  for first = 1, #wanted, KEYS_A_CALL do
    local found = call('HMGET', ARGV[1] .. partition, unpack(wanted, first, math.min(first + KEYS_A_CALL - 1, #wanted)))
    for i, value in ipairs(found) do rows[places[partition][first + i - 1]] = value end
  end
end
reply[4], reply[5], reply[6] = low, members, rows
return reply
