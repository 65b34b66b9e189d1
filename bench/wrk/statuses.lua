-- A hundred orders' statuses in one request: every customer, a hundred of their own orders.
dofile("caller.lua")

function init(args)
  local requests = {}
  for _, caller in ipairs(callers(args[1])) do
    local ids = table.concat(caller.orders, "%2C", 1, 100)
    table.insert(requests, post("key=" .. caller.key .. "&action=status&orders=" .. ids))
  end
  use(requests, '{"')
end
