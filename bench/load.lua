-- load.lua - wrk asks for mailboxes at random, each with its owner's credentials.
--
-- BENCH_MAILBOXES     how many there are: m0000000@bench.example and on
-- BENCH_CREDENTIALS   a file with one Authorization value per login; each owns an equal share
-- BENCH_CLOSE         `1`: a new connection for each request
-- BENCH_PAUSE_MS      mean pause of a connection before a request; 0 for none

local mailboxes = tonumber(os.getenv('BENCH_MAILBOXES'))
local pause = tonumber(os.getenv('BENCH_PAUSE_MS') or '0')
local head, share
local body_head = '<?xml version="1.0" encoding="utf-8"?>\r\n'
	.. '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/'
	.. 'requestschema/2006"><Request><EMailAddress>'
local body_tail = '@bench.example</EMailAddress><AcceptableResponseSchema>'
	.. 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'
	.. '</AcceptableResponseSchema></Request></Autodiscover>'

function init()
	local close = os.getenv('BENCH_CLOSE') == '1' and 'Connection: close\r\n' or ''
	local length = #body_head + #'m0000000' + #body_tail
	head = {}
	for value in io.lines(os.getenv('BENCH_CREDENTIALS')) do
		head[#head + 1] = 'POST /autodiscover/autodiscover.xml HTTP/1.1\r\n'
			.. 'Host: bench.example\r\nContent-Type: text/xml; charset=utf-8\r\n'
			.. 'User-Agent: Microsoft Office/16.0 (Microsoft Outlook 16.0; Pro)\r\n'
			.. 'Authorization: ' .. value .. '\r\n' .. close
			.. 'Content-Length: ' .. length .. '\r\n\r\n' .. body_head
	end
	share = mailboxes / #head
	math.randomseed(os.time())
end

function request()
	local n = math.random(0, mailboxes - 1)
	return head[math.floor(n / share) + 1] .. string.format('m%07d', n) .. body_tail
end

if pause > 0 then
	function delay()
		return math.random(0, 2 * pause)
	end
end

function done(summary, latency)
	local e = summary.errors
	print(string.format('{"requests":%d,"seconds":%f,"p50_us":%d,"p99_us":%d,"max_us":%d,'
		.. '"failed":%d,"refused":%d}', summary.requests, summary.duration / 1e6,
		latency:percentile(50), latency:percentile(99), latency.max,
		e.connect + e.read + e.write + e.timeout, e.status))
end
