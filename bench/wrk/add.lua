-- Orders: every customer, every service, links that differ.
dofile("caller.lua")

local SERVICES = 1000

function init(args)
  local requests = {}
  for round = 1, 10 do
    for number, caller in ipairs(callers(args[1])) do
      local service = (number * 7 + round * 131) % SERVICES + 1
      table.insert(requests, post(string.format(
        "key=%s&action=add&service=%d&link=https%%3A%%2F%%2Fexample.com%%2Fp%%2F%d-%d&quantity=%d",
        caller.key, service, number, round, 100 + round)))
    end
  end
  use(requests, '{"order":')
end
