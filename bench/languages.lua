-- languages.lua - wrk asks one of many prepared questions at random.
--
-- BENCH_QUESTIONS   a file of whole requests, each followed by the byte 0x1e

local questions = {}

function init()
	local file = io.open(os.getenv('BENCH_QUESTIONS'), 'rb')
	for question in file:read('*a'):gmatch('([^\30]+)\30') do
		questions[#questions + 1] = question
	end
	file:close()
	math.randomseed(os.time())
end

function request()
	return questions[math.random(#questions)]
end

function done(summary, latency)
	local e = summary.errors
	print(string.format('{"requests":%d,"seconds":%f,"p99_us":%d,"failed":%d,"refused":%d}',
		summary.requests, summary.duration / 1e6, latency:percentile(99),
		e.connect + e.read + e.write + e.timeout, e.status))
end
