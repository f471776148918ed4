/* timing.h - what the benchmarks written in C share: clocks, random numbers, times and their table.
 */
#ifndef USHER_BENCH_TIMING_H
#define USHER_BENCH_TIMING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static inline uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline double
seconds_since(uint64_t start_ns)
{
	return (double)(now_ns() - start_ns) / 1e9;
}

/* The high bits are the random ones. */
static inline uint64_t
next_random(uint64_t seed)
{
	return seed * 6364136223846793005u + 1442695040888963407u;
}

/* How long each of many things took. All zeros is none. */
struct times {
	uint32_t *us;
	size_t n, size;
};

/* False: no memory. */
static inline bool
times_add(struct times *times, uint64_t ns)
{
	if (times->n == times->size) {
		size_t size = times->size == 0 ? 1 << 16 : times->size * 2;
		uint32_t *us = reallocarray(times->us, size, sizeof(*us));

		if (us == NULL)
			return false;
		times->us = us;
		times->size = size;
	}
	times->us[times->n++] = (uint32_t)(ns / 1000);
	return true;
}

static inline int
times_order(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* One JSON object a line, about at least one time; frees them. */
static inline void
times_print(struct times *times, double seconds)
{
	struct rusage used;
	double cpu_us;

	(void)getrusage(RUSAGE_SELF, &used);
	cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
		 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
	qsort(times->us, times->n, sizeof(times->us[0]), times_order);
	(void)printf("{\"searches\":%zu,\"seconds\":%f,\"min_us\":%u,\"p50_us\":%u,\"p99_us\":%u,"
		     "\"cpu_us\":%f}\n",
	    times->n, seconds, times->us[0], times->us[times->n / 2],
	    times->us[times->n * 99 / 100], cpu_us / (double)times->n);
	free(times->us);
	*times = (struct times){ 0 };
}

#endif
