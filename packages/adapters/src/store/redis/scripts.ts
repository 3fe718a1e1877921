import { createHash } from 'node:crypto'

/** A Lua script, and the SHA-1 by which a server that has it knows it. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

// One key is declared, from which the others are made: they share its hash tag, so all are in one slot. Each script
// first checks that the store has the layout and the past that the client knows, and changes nothing if not.
const CHECKED = `
local base = string.sub(KEYS[1], 1, -5) .. ARGV[1] .. ':'
local meta = redis.call('HMGET', KEYS[1], 'schema', 'epoch')
if not meta[1] then return {'forgot'} end
if meta[1] ~= ARGV[1] then return {'schema', meta[1]} end
if tonumber(meta[2]) < tonumber(ARGV[2]) then return {'forgot'} end
`

const TIMED = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

// Accounts and holds are strings, so that one MGET reads them all: each call that a script makes costs more than what
// it does with the answer. They are MessagePack, which keeps numbers as they are. An account is the start and the use
// of each of its buckets, oldest first; an open hold is its deadline, then the account, bucket, amount and key of each
// limit; a closed one is empty.
const openHold = (read: string): string => `
local hold = base .. 'hold:' .. ARGV[3]
local held = redis.call(${read})
if not held or held == '' then return {'ok'} end
local of = {cmsgpack.unpack(held)}
local late = of[1] <= now
local accounts = {}
for i = 2, #of, 4 do accounts[#accounts + 1] = base .. 'account:' .. of[i] end
local function add(changes)
  local found = #accounts > 0 and redis.call('MGET', unpack(accounts)) or {}
  for n, account in ipairs(accounts) do
    local buckets = changes[n] ~= 0 and found[n] and {cmsgpack.unpack(found[n])} or {}
    for i = 1, #buckets, 2 do
      if buckets[i] == of[4 * n - 1] then
        buckets[i + 1] = buckets[i + 1] + changes[n]
        redis.call('SET', account, cmsgpack.pack(unpack(buckets)), 'KEEPTTL')
      end
    end
  end
end
`

/** ARGV: schema, epoch, id, ttl, kept; then name, key, limit, amount, bucket, span of each account, none twice. */
export const RESERVE: Script = script(`${CHECKED}${TIMED}
local names = {base .. 'hold:' .. ARGV[3]}
for i = 6, #ARGV, 6 do names[#names + 1] = base .. 'account:' .. ARGV[i] end
local found = redis.call('MGET', unpack(names))
if found[1] then return {'ok'} end
local puts, ttls, hold = {}, {}, {now + ARGV[4]}
for n = 2, #names do
  local at = 6 * n - 6
  local limit, amount = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local bucket, span = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  local buckets, used = found[n] and {cmsgpack.unpack(found[n])} or {}, 0
  while span > 0 and buckets[1] and buckets[1] + span <= now do
    table.remove(buckets, 1)
    table.remove(buckets, 1)
  end
  for i = 2, #buckets, 2 do used = used + buckets[i] end
  if used + amount > limit then
    local wait, over = 0, used + amount - limit
    if span > 0 and amount <= limit then
      for i = 1, #buckets, 2 do
        over = over - buckets[i + 1]
        if over <= 0 then wait = math.max(1, buckets[i] + span - now) break end
      end
    end
    return {'full', ARGV[at + 1], string.format('%.17g', wait)}
  end
  -- A clock that went back counts on in the newest bucket. A total that was forgotten and begun again is another
  -- bucket than before, so that holds on the old one cannot lower it.
  local newest = buckets[#buckets - 1]
  local start = newest
  if span > 0 then start = math.max(newest or 0, now - now % bucket)
  elseif not newest then start = tonumber(redis.call('HGET', KEYS[1], 'version')) end
  local size = #buckets
  if start == newest then
    buckets[size] = buckets[size] + amount
  else
    buckets[size + 1], buckets[size + 2] = start, amount
    ttls[n] = span > 0 and start + span - now
  end
  puts[n] = cmsgpack.pack(unpack(buckets))
  size = #hold
  hold[size + 1], hold[size + 2], hold[size + 3], hold[size + 4] = ARGV[at], start, amount, ARGV[at + 1]
end
for n = 2, #names do
  if ttls[n] then redis.call('PSETEX', names[n], ttls[n], puts[n])
  else redis.call('SET', names[n], puts[n], 'KEEPTTL') end
end
redis.call('PSETEX', names[1], ARGV[5], cmsgpack.pack(unpack(hold)))
return {'ok'}`)

/** ARGV: schema, epoch, id; then each key, and what was used of it. */
export const SETTLE: Script =
  // It is read and closed at once; with XX, one that is not there stays so.
  script(`${CHECKED}${TIMED}${openHold("'SET', hold, '', 'XX', 'KEEPTTL', 'GET'")}
local actual, changes = {}, {}
for i = 4, #ARGV, 2 do actual[ARGV[i]] = tonumber(ARGV[i + 1]) end
for i = 2, #of, 4 do
  local amount, used = of[i + 2], actual[of[i + 3]]
  if not used or late and used < amount then used = amount end
  changes[#changes + 1] = used - amount
end
add(changes)
return {'ok'}`)

/** ARGV: schema, epoch, id. */
export const RELEASE: Script = script(`${CHECKED}${TIMED}${openHold("'GET', hold")}
if late then return {'ok'} end
local changes = {}
for i = 4, #of, 4 do changes[#changes + 1] = -of[i] end
add(changes)
redis.call('DEL', hold)
return {'ok'}`)

/** ARGV: schema, epoch, names of accounts. */
export const FORGET: Script = script(`${CHECKED}
for i = 3, #ARGV do redis.call('DEL', base .. 'account:' .. ARGV[i]) end
redis.call('HINCRBY', KEYS[1], 'version', 1)
return {'ok'}`)

/** ARGV: schema, epoch, key. */
export const GET: Script = script(`${CHECKED}
local record = redis.call('HMGET', base .. 'record:' .. ARGV[3], 'value', 'version')
if not record[1] then return {'none'} end
return {'ok', record[1], record[2]}`)

/** ARGV: schema, epoch, least and most of the range of keys. */
export const LIST: Script = script(`${CHECKED}
local found = {'ok'}
for _, key in ipairs(redis.call('ZRANGEBYLEX', base .. 'keys', ARGV[3], ARGV[4])) do
  local record = redis.call('HMGET', base .. 'record:' .. key, 'value', 'version')
  if record[1] then
    found[#found + 1] = key
    found[#found + 1] = record[1]
    found[#found + 1] = record[2]
  end
end
return found`)

/** ARGV: schema, epoch, key, expected, `set` or `delete`, value, ttl or nothing. */
export const COMPARE_AND_SET: Script = script(`${CHECKED}${TIMED}
local keys, ends, key = base .. 'keys', base .. 'ends', ARGV[3]
local record = base .. 'record:' .. key
if (redis.call('HGET', record, 'version') or '0') ~= ARGV[4] then return {'lost'} end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 10)) do
  if redis.call('EXISTS', base .. 'record:' .. old) == 0 then
    redis.call('ZREM', keys, old)
    redis.call('ZREM', ends, old)
  end
end
local version = redis.call('HINCRBY', KEYS[1], 'version', 1)
if ARGV[5] == 'delete' then
  redis.call('DEL', record)
  redis.call('ZREM', keys, key)
  redis.call('ZREM', ends, key)
else
  redis.call('HSET', record, 'value', ARGV[6], 'version', version)
  redis.call('ZADD', keys, 0, key)
  if ARGV[7] ~= '' then
    redis.call('PEXPIRE', record, ARGV[7])
    redis.call('ZADD', ends, now + tonumber(ARGV[7]), key)
  else
    redis.call('PERSIST', record)
    redis.call('ZREM', ends, key)
  end
end
redis.call('PUBLISH', base .. 'changes', key)
return {'ok', tostring(version)}`)

/** ARGV: schema, epoch, key. */
export const CONSUME: Script = script(`${CHECKED}
local record = base .. 'record:' .. ARGV[3]
local value = redis.call('HGET', record, 'value')
if not value then return {'none'} end
redis.call('DEL', record)
redis.call('ZREM', base .. 'keys', ARGV[3])
redis.call('ZREM', base .. 'ends', ARGV[3])
redis.call('PUBLISH', base .. 'changes', ARGV[3])
return {'ok', value}`)

/** ARGV: schema, epoch, log, entry. */
export const APPEND: Script = script(`${CHECKED}
local dropped = redis.call('GET', base .. 'dropped:' .. ARGV[3]) or 0
return {'ok', string.format('%.0f', dropped + redis.call('RPUSH', base .. 'log:' .. ARGV[3], ARGV[4]))}`)

/** ARGV: schema, epoch, log, after, how many. Answers with the place of the first one that it found. */
export const READ: Script = script(`${CHECKED}
local dropped = tonumber(redis.call('GET', base .. 'dropped:' .. ARGV[3]) or 0)
local from = math.max(0, ARGV[4] - dropped)
local found = redis.call('LRANGE', base .. 'log:' .. ARGV[3], from, from + ARGV[5] - 1)
table.insert(found, 1, 'ok')
table.insert(found, 2, string.format('%.0f', dropped + from + 1))
return found`)

/** ARGV: schema, epoch, log, before. */
export const TRIM: Script = script(`${CHECKED}
local log, dropped = base .. 'log:' .. ARGV[3], base .. 'dropped:' .. ARGV[3]
local gone = math.min(ARGV[4] - 1 - (redis.call('GET', dropped) or 0), redis.call('LLEN', log) - 1)
if gone > 0 then
  redis.call('LTRIM', log, gone, -1)
  redis.call('INCRBY', dropped, string.format('%.0f', gone))
end
return {'ok'}`)

/** ARGV: schema, epoch, client, mark or 0, how long to keep the mark. Begins a store where there is none. */
export const EPOCH: Script = script(`
if ARGV[2] == '0' and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], 'schema', ARGV[1], 'epoch', 0, 'version', 0)
end
${CHECKED}
local mark = base .. 'mark:' .. ARGV[3]
if tonumber(redis.call('GET', mark) or '0') < tonumber(ARGV[4]) then return {'forgot'} end
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('SET', mark, epoch, 'PX', ARGV[5])
return {'ok', tostring(epoch)}`)

function script(body: string): Script {
  // With this line Redis 7 refuses a script that touches keys of two slots, in a cluster of one node too.
  const lua = `#!lua${body}`
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}
