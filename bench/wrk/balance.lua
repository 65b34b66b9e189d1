-- The balance of every customer.
dofile("caller.lua")

function init(args)
  local requests = {}
  for _, caller in ipairs(callers(args[1])) do
    table.insert(requests, post("key=" .. caller.key .. "&action=balance"))
  end
  use(requests, '{"balance":')
end
