// find.cpp - finds the settings of a mailbox with libusher from C++.
//
//	c++ -std=c++17 find.cpp $(pkg-config --cflags --libs libusher) -o find
//	USHER_PASSWORD=secret ./find ann@contoso.example
#include <cstdlib>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <usher/find.h>

namespace
{

struct Free {
	void
	operator()(usher_result *result) const
	{
		usher_result_free(result);
	}
};
using Result = std::unique_ptr<usher_result, Free>;

Result
find(const std::string &address, const usher_find_options &options)
{
	usher_result *result = nullptr;
	usher_error err{};

	if (usher_find(address.c_str(), &options, &result, &err) != USHER_OK)
		throw std::runtime_error(err.message);
	return Result(result);
}

std::string
text(const Result &result, usher_part part, std::size_t index, const char *name)
{
	const char *found = usher_result_text(result.get(), part, index, name);

	return found != nullptr ? found : "";
}

// No exception may leave a callback.
int
tell(const usher_trace *trace, void *) noexcept
{
	std::cerr << trace->text << '\n';
	return USHER_YES;
}

} // namespace

int
main(int argc, char **argv)
{
	if (argc != 2) {
		std::cerr << "usage: find ADDRESS\n";
		return 64;
	}
	usher_find_options options = USHER_FIND_OPTIONS_INIT;
	options.password = std::getenv("USHER_PASSWORD");
	options.trace = tell;
	try {
		const Result result = find(argv[1], options);

		std::cout << text(result, USHER_PART_FIND, 0, "reason") << '\n';
		for (std::size_t i = 0; i < usher_result_count(result.get(), USHER_PART_PROTOCOL);
		     i++)
			std::cout << text(result, USHER_PART_PROTOCOL, i, "type") << ' '
				  << text(result, USHER_PART_PROTOCOL, i, "server") << '\n';
		return usher_result_outcome(result.get());
	} catch (const std::exception &fault) {
		std::cerr << argv[1] << ": " << fault.what() << '\n';
		return 70;
	}
}
