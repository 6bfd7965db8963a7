#!lua
-- Return when each of some idempotency keys was first used, and the digest of the body written under it since.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix; then for each idempotency key: its name, the time now, how long it is remembered (ms), and the digest
-- of the body to remember, or nothing
-- The answer has two items for each: the time of the first use; the digest, or false.
local answer = {}
for i = 2, #ARGV, 4 do
  local key = ARGV[1] .. 'idempotency:' .. ARGV[i]
  if redis.call('HSETNX', key, 'began', ARGV[i + 1]) == 1 then redis.call('PEXPIRE', key, ARGV[i + 2], 'NX') end
  if ARGV[i + 3] ~= '' then redis.call('HSETNX', key, 'body', ARGV[i + 3]) end
  local seen = redis.call('HMGET', key, 'began', 'digest', 'body')
  answer[#answer + 1] = seen[1]
  answer[#answer + 1] = seen[2] or seen[3]
end
return answer
