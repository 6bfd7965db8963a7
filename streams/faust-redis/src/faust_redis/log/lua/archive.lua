#!lua flags=allow-oom
-- Give a partition the next manifest of its archive, if it still has the one that the caller knows.
-- KEYS[1] topic hash, KEYS[2] hash of the topic's manifests, KEYS[3] hash of its ends, KEYS[4] the stream
-- ARGV: partition, incarnation, SHA-1 of the present manifest ('' for none), the end of the next one, the next one (JSON);
-- for new records also the server and the SHA-1 of the evidence of the last record, as the caller read them
-- Returns OK, or why nothing was changed.
local partition = ARGV[1]
if redis.call('HGET', KEYS[1], 'incarnation') ~= ARGV[2] then return 'INCARNATION' end
local present = redis.call('HGET', KEYS[2], partition)
if (present and redis.sha1hex(present) or '') ~= ARGV[3] then return 'MOVED' end
-- A log that was restored to an earlier state holds fewer records than an archiver has read.
if tonumber(ARGV[4]) > tonumber(redis.call('HGET', KEYS[3], partition) or '0') then return 'AHEAD' end
-- A log that was restored and has grown since has other records at the same offsets, although its manifest is the same.
if ARGV[6] ~= '' then
  local info = redis.call('INFO', 'server') .. redis.call('INFO', 'replication')
  local server = string.match(info, 'run_id:(%x+)') .. string.match(info, 'master_replid:(%x+)')
  if server ~= ARGV[6] then return 'RESTORED' end
  local entry = redis.call('XRANGE', KEYS[4], '0-' .. ARGV[4], '0-' .. ARGV[4])[1]
  local own = entry and '' or nil
  for i = 1, entry and #entry[2] or 0, 2 do
    if entry[2][i] == 'v' or entry[2][i] == 'z' then own = entry[2][i + 1] end
  end
  if not own or redis.sha1hex(own) ~= ARGV[7] then return 'RESTORED' end
end
redis.call('HSET', KEYS[2], partition, ARGV[4] .. ' ' .. ARGV[5])
return 'OK'
