-- When each of some idempotency keys was used first, and what was written under it since, if anything was.
-- KEYS[1] any key of the namespace (routes the call on a cluster)
-- ARGV[1] key prefix; then per idempotency key: its transaction's name, the time now, how long it is remembered (ms)
-- The answer has two items for each: the time of the first use; the value of the transaction, or false.
local answer = {}
for i = 2, #ARGV, 3 do
  local key = ARGV[1] .. 'txn:' .. ARGV[i]
  if redis.call('HSETNX', key, 'began', ARGV[i + 1]) == 1 then redis.call('PEXPIRE', key, ARGV[i + 2], 'NX') end
  local seen = redis.call('HMGET', key, 'began', 'value')
  answer[#answer + 1] = seen[1]
  answer[#answer + 1] = seen[2]
end
return answer
