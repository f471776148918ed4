# The front door; meson builds.
.PHONY: all check asan fuzz cov tidy man format bench clean

all:
	script/bootstrap
check:
	script/test
asan:
	script/test sanitize
fuzz:
	script/test fuzz
cov:
	script/test coverage
tidy:
	script/test tidy cppcheck
man:
	script/test man
format:
	tools/format
bench:
	script/bench
clean:
	rm -rf build build-*
